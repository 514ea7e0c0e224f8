// The small module's commands and queries as requests, for `Holdfast` over HTTP: what an application's
// own client would have.

/** One request. */
interface Request {
  readonly method: string
  readonly target: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

type Input = Readonly<Record<string, unknown>>

/** `id`: as HTTP's route would make it, or any other where nobody looks at it again. */
export function jarsCommand(name: string, input: object, id: string): Request {
  const { jar, ...fields } = input as Input
  const path = `/v1/jars/${encodeURIComponent(String(jar))}`
  const own = id.split('/').at(-1) as string
  switch (name) {
    case 'open':
      return { method: 'POST', target: '/v1/jars', body: { id: jar, ...fields } }
    case 'add': {
      const { kind, ...rest } = fields
      const target = `${path}/kinds/${encodeURIComponent(String(kind))}/add`
      return { method: 'POST', target, body: { id: own, ...rest } }
    }
    case 'label':
      return { method: 'PATCH', target: path, body: fields, headers: { 'idempotency-key': own } }
    default:
      return { method: 'POST', target: `${path}/empty`, headers: { 'idempotency-key': own } }
  }
}

/** A query as a request; `would_add` is a dry run of `add`. */
export function jarsQuery(name: string, input: object): Request {
  const { jar, kind, ...fields } = input as Input
  const path = `/v1/jars/${encodeURIComponent(String(jar))}`
  if (name === 'jar') return { method: 'GET', target: path }
  const target = `${path}/kinds/${encodeURIComponent(String(kind))}/add`
  return { method: 'POST', target, body: { id: 'x', ...fields, dryRun: true } }
}
