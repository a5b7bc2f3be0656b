// Requests to the server: with the page's token where they change anything; errors are its sentences.
const token = document.querySelector('meta[name="token"]').content;

export async function call(method, path, body = null, signal = null) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      signal,
      headers: { "content-type": "application/json", "x-windtunnel-token": token },
      body: body === null ? null : JSON.stringify(body),
    });
  } catch {
    throw new Error("The server does not answer; is windtunnel web still running?");
  }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

// A run's events; the server stops a run whose events nobody hears any more.
export function follow(id, heard) {
  const source = new EventSource(`/api/runs/${id}/events`);
  let fail;
  const result = new Promise((resolve, reject) => {
    fail = reject;
    source.addEventListener("progress", (event) => heard.progress(...JSON.parse(event.data)));
    source.addEventListener("done", (event) => { source.close(); resolve(JSON.parse(event.data)); });
    source.addEventListener("wrong", (event) => { source.close(); reject(new Error(JSON.parse(event.data))); });
    source.onerror = () => { source.close(); reject(new Error("The server does not answer; is windtunnel web still running?")); };
  });
  return {
    result,
    stop() {
      source.close();
      call("DELETE", `/api/runs/${id}`).catch(() => {});
      fail(new Error("cancelled"));
    },
  };
}
