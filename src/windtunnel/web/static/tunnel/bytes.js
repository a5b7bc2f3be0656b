// Opens a picture document (web/picture.py): the head first, then one piece after the other, as they arrive.

const MAGIC = "windtunnel picture 1\n".length;

// The parts of a document, each inflated. A response is read while it comes, so that nobody waits for its end.
async function* parts(source) {
  let bytes = source.bytes ?? new Uint8Array(0), reader = null;
  if (!source.bytes) {
    const answer = await fetch(source.url);
    if (!answer.ok) throw new Error(`The run of ${source.name} could not be read: ${answer.status}.`);
    reader = answer.body.getReader();
  }
  const until = async size => {
    while (bytes.length < size && reader) {
      const {done, value} = await reader.read();
      if (done) { reader = null; break; }
      const both = new Uint8Array(bytes.length + value.length);
      both.set(bytes); both.set(value, bytes.length); bytes = both;
    }
    return bytes.length >= size;
  };
  await until(MAGIC); bytes = bytes.subarray(MAGIC);
  while (await until(4)) {
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (!await until(4 + size)) throw new Error(`The run of ${source.name} ends too early.`);
    const part = bytes.slice(4, 4 + size);
    bytes = bytes.subarray(4 + size);
    const stream = new Blob([part]).stream().pipeThrough(new DecompressionStream("deflate"));
    yield new Uint8Array(await new Response(stream).arrayBuffer());
  }
}

// Whole numbers of seven bits a byte, the lowest bit for the sign.
export function reader(bytes) {
  let at = 0;
  const read = () => {
    let number = 0, scale = 1, byte;
    do { byte = bytes[at++]; number += (byte & 127) * scale; scale *= 128; } while (byte > 127);
    return number % 2 ? -(number + 1) / 2 : number / 2;
  };
  return count => {
    const column = new Float64Array(count);
    for (let i = 0; i < count; i++) column[i] = read();
    return column;
  };
}

// Calls onHead with what is JSON, then onPiece with each piece's reader of columns.
export async function open(source, onHead, onPiece) {
  let head = null;
  for await (const part of parts(source)) {
    if (head) await onPiece(reader(part));
    else { head = JSON.parse(new TextDecoder().decode(part)); await onHead(head); }
  }
}
