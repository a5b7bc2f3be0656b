"""`windtunnel serve`: a language model behind the addresses of OpenAI, for any client that speaks to those.

refusals     what is not served, in the shape that clients know
tokens       texts to tokens and back
byte_pairs   the same by the vocabulary of a GGUF file
chat         messages to a prompt
writing      tokens to the text that is told: whole characters, and nothing of a stop
runner       the engine in a thread of its own
asked        what a request asks
answers      what it is answered, at once or piece by piece
app          addresses
model        which model it is
"""
