/** Questions to the server, and its refusals. */

/** A refusal of the server: `status`, its sentence where it gave one, and what the sentence is about as `errors`. */
export class Refusal extends Error {
  constructor(status, sentence, errors = []) {
    super(sentence || String(status));
    this.status = status;
    this.sentence = sentence;
    this.errors = errors;
  }
}

/** Names and values of a query; a list is repeated, what is null is left out. */
export function queryText(values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined) query.append(name, one);
    }
  }
  return query.size ? `?${query}` : "";
}

/** The answer and its headers; a body is sent as JSON. */
export async function send(url, { method = "GET", body, signal, language, headers = {} } = {}) {
  const answer = await fetch(url, {
    method,
    signal,
    credentials: "same-origin",
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: {
      Accept: "application/json",
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(language ? { "Accept-Language": language } : {}),
      ...headers,
    },
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    const words = problem[language] ?? problem[`detail_${language}`] ?? problem.detail ?? problem.title ?? "";
    throw new Refusal(answer.status, words, problem.errors ?? []);
  }
  return { body: answer.status === 204 ? null : await answer.json(), headers: answer.headers };
}
