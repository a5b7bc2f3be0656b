"""The exceptions of this project, and what each says about the request that it ends.

A design in the tunnel may let any of those pass that have a word behind them: "fail" is certainly not done, "unknown"
done or not. Those without one say that a program or an input is wrong; a run stops there with a sentence.

    Exception
      Refused  fail                 a block said no: nothing was done, the same call may be made again
        BulkheadFull  fail          as many calls as the bulkhead holds are in progress, and its queue is full
        CircuitOpen  fail           the dependency fails too often
        Fenced  fail                a member of a group is of a generation that is over
        FencedProducer  fail        a later epoch of the producer has written
        KeyBusy  fail               a request with this key is in progress
        KeyReused  fail             the key belongs to a different request
        LimitExceeded  fail         as many calls as the adaptive limit allows are in progress
        NotEnoughReplicas  fail     fewer are in sync than acks=all asks for
        NotLeader  fail             the server does not lead, so nothing was put into the log
        NotLeading  fail            another replica of the partition leads, or in another epoch
        OutOfOrderSequence  fail    a batch of the producer that comes before this one has not come
        RateLimited  fail           too many in too short a time
        Shed  fail                  the queue stands, and the wait would be too long
        Throttled  fail             the client held its own request back
      Aborted  fail                 the database undid the transaction
      Conflict  fail                a row with this key exists
      Failed  fail                  a backend answered with an error
      NotSent  fail                 a closed loop had no connection free when the request was due
      ReadOnly  fail                a standby takes no writes
      SoldOut  fail                 a sale found no ticket, and is rolled back
      TurnedAway  fail              a process holds as many orders as it may, or is about to end
      Mismatch  fail                an object is not the one that the condition names
      Interrupted  unknown          an action of a saga was cancelled from inside
      LogFailed  unknown            the disk failed a log; what was not synced is in doubt
      NotDone  fail                 a replica of a store certainly did not do it
      InDoubt  unknown              no majority of replicas, or no answer in time, says whether it was done
      RightFailed                   a store that was said to be right did not keep its steady state
      Tripped  fail                 a circuit that counts failures in a row is open
      NotServed                     a request to a served model is wrong, or comes when all places are taken
      OutOfTime                     the time that a person gave is over; what was done is noted
      LookupError
        OffsetGone  fail            the record was removed by retention
        Trimmed  fail               the same, of a log engine
      OSError
        ConnectionError
          Crashed  unknown          the host or server lost its power
            ServerDown  fail        it was down already
          GaveUp  unknown           no attempt of a chain of layers went well, as far as one heard
          Died  unknown             an application server died, and with it the connections to it
          ConnectionResetError
            Unanswered  unknown     the work was done, and the answer was lost
          Unavailable  fail         no connection was to be had
            MissingEngine  fail     a real engine is not installed
        InUse  fail                 somebody else writes to these files
        TimeoutError
          DeadlineExceeded  unknown  time is up
      RuntimeError
        Dropped  fail               a simulated server threw it out of its queue
        Rejected  fail              a simulated server's queue was full
        Withdrawn  (its own)        the client took its job back; it says whether work had begun
        Deadlock                    nothing can happen in the tunnel any more
        DesignError                 a design raised what is no outcome
          Unreported                a design's report could not be had after a fault
        Gone                        the process in which a design was tried has ended
        NotSimulated                the tunnel has no stand-in for what was asked
        OutOfSteps                  an explored program did not end
        Stuck                       an explored program waits for nobody
        WaitsForItself              a shared load asks for its own result
      ValueError
        DamagedError                bytes are not what was written
          DamagedBatchError         the same, of a record batch
          DamagedLogError           the same, of a log
        HistoryFileError            a file is no history
        ModelError                  a user's model does what a model must not
        NoAnswer                    what a process said of a trial is no answer to it
        StaleRange  fail            the caller's map of ranges is older than a change
        WrongInput                  an experiment, parameter, stage or file that cannot be used
          ClaimError                a claim that cannot be evaluated
        WrongMessageError           bytes are no request of Kafka's
    BaseException
      Killed                        the machine on which a coordinator ran is dead; nobody there catches it
"""

from __future__ import annotations


class Refused(Exception):
    """Certainly nothing was done, and the same call may be made again later. Base of every refusal of a block."""

    outcome = "fail"
    this_call_only = False
    """Whether it says nothing of an earlier call with the same key: what stands in front of a dependency (a breaker, a
    limiter) has not asked it. A receiver who knows the key and says no speaks of all of them."""
