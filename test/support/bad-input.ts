// Requests that no gateway may take: what is sent, and the code and the sentence that must come
// back. None of them reaches the journal.

/** One line of the table. */
export interface BadRequest {
  readonly name: string
  readonly method?: 'GET' | 'POST' | 'PUT'
  readonly path?: string
  /** Sent as it is where it is a string or bytes, else as JSON. */
  readonly body?: unknown
  readonly contentType?: string
  /** `invalid_request` where not said otherwise. */
  readonly code?: string
  readonly status?: number
  /** What the detail must say. */
  readonly says: RegExp
}

const TRANSFER = { id: 'bad', debitAccount: 'acme', creditAccount: 'bank', amount: 1 }
const OPEN = { id: 'bad', ledger: 1 }
const NIL = '00000000-0000-0000-0000-000000000000'

/** A transfer with `field` written as `json`, which JSON.stringify might not write. */
function written(field: string, json: string): string {
  const rest = JSON.stringify({ ...TRANSFER, [field]: undefined }).slice(0, -1)
  return `${rest},"${field}":${json}}`
}

function transfer(name: string, change: object, says: RegExp): BadRequest {
  return { name, path: '/v1/transfers', body: { ...TRANSFER, ...change }, says }
}

function raw(name: string, body: string | Buffer, says: RegExp): BadRequest {
  return { name, path: '/v1/transfers', body, says }
}

function account(name: string, change: object, says: RegExp): BadRequest {
  return { name, path: '/v1/accounts', body: { ...OPEN, ...change }, says }
}

function batch(name: string, commands: unknown, says: RegExp, more: object = {}): BadRequest {
  return { name, path: '/v1/batches', body: { commands }, says, ...more }
}

const NUMBER = /amount has the number .*: a whole number of at most 16 digits/
const SETTLE = { type: 'settle', id: 'x', reservation: 'y' }

const SYNTAX: readonly BadRequest[] = [
  raw('no body', '', /body is empty/),
  raw('not JSON', '{"id":', /not JSON/),
  raw('JSON and more', '{} {}', /not JSON/),
  raw('a byte order mark', '\ufeff{}', /not JSON/),
  raw('not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), /not UTF-8/),
  raw('a list', '[]', /must be a JSON object/),
  raw('null', 'null', /must be a JSON object/),
  raw('a number alone', '5', /must be a JSON object/),
  raw('duplicate keys', written('amount', '1,"amount":2'), /^amount is given twice/),
  raw('a key twice, escaped', written('amount', '1,"am\\u006funt":2'), /^amount is given twice/),
  raw('nested 100,000 deep', '['.repeat(100_000), /nested deeper than 16/),
  raw('objects 100,000 deep', '{"a":'.repeat(100_000), /nested deeper than 16/),
  raw('__proto__', written('amount', '1,"__proto__":{"amount":5}'), /^__proto__ is not a field/),
  raw('constructor', written('amount', '1,"constructor":{}'), /^constructor is not a field/),
  { ...raw('another type', '{}', /send Content-Type: application\/json/), contentType: 'text/xml' },
  {
    name: 'a body of 5 MB',
    path: '/v1/batches',
    body: `{"commands":["${'x'.repeat(5_000_000)}"]}`,
    code: 'payload_too_large',
    status: 413,
    says: /more than 4194304 bytes/,
  },
]

const FIELDS: readonly BadRequest[] = [
  transfer('amount 0', { amount: 0 }, /^amount must be at least 1\.$/),
  transfer('amount -1', { amount: -1 }, /^amount must be at least 1\.$/),
  transfer('amount 0.1', { amount: 0.1 }, NUMBER),
  transfer('amount "5"', { amount: '5' }, /^amount must be a whole number\.$/),
  transfer('amount null', { amount: null }, /^amount must be a whole number\.$/),
  transfer('amount 2^51 + 1', { amount: 2 ** 51 + 1 }, /^amount must be at most 2251799813685248/),
  transfer('amount 2^53', { amount: 2 ** 53 }, /^amount must be at most 2251799813685248/),
  raw('amount 2^53 + 1', written('amount', '9007199254740993'), /^amount must be at most/),
  raw('amount 1e400', written('amount', '1e400'), NUMBER),
  raw('amount 5.0', written('amount', '5.0'), NUMBER),
  raw('amount 1e2', written('amount', '1e2'), NUMBER),
  raw(
    'amount -0',
    written('amount', '-0'),
    /amount has the number -0: 0 is written without a sign/,
  ),
  raw('amount 05', written('amount', '05'), NUMBER),
  raw('amount 0x10', written('amount', '0x10'), /not JSON/),
  raw('amount of 100,000 digits', written('amount', '1'.repeat(100_000)), NUMBER),
  transfer('a field missing', { amount: undefined }, /^amount is missing\.$/),
  transfer('a field unknown', { amuont: 1 }, /^amuont is not a field/),
  transfer('a flag that is none', { atMost: 1 }, /^atMost must be true or false\.$/),
  transfer('an empty id', { id: '' }, /^id must not be empty\.$/),
  transfer('an id of 257 letters', { id: 'x'.repeat(257) }, /^id must have at most 256 bytes\.$/),
  transfer('an id of 258 bytes', { id: 'é'.repeat(129) }, /^id must have at most 256 bytes\.$/),
  transfer('the nil UUID', { id: NIL }, /^id must not be the nil UUID\.$/),
  transfer(
    'the max UUID',
    { creditAccount: NIL.replaceAll('0', 'F') },
    /^creditAccount .* max UUID/,
  ),
  transfer('a number as id', { debitAccount: 5 }, /^debitAccount must be a string\.$/),
  raw('a lone surrogate', written('id', '"\\ud800"'), /^id has a lone surrogate/),
  account('ledger 0', { ledger: 0 }, /^ledger must be at least 1\.$/),
  account('ledger -1', { ledger: -1 }, /^ledger must be at least 1\.$/),
  account('ledger 1.5', { ledger: 1.5 }, /^ledger has the number 1.5/),
  account('ledger 2^32', { ledger: 2 ** 32 }, /^ledger must be at most 4294967295\.$/),
  account('a negative limit', { creditLimit: -1 }, /^creditLimit must be at least 0\.$/),
  account('metadata of numbers', { metadata: { a: 1 } }, /^metadata\.a must be a string\.$/),
  account('metadata nested', { metadata: { 'a\nb': {} } }, /^metadata\.a\nb must be a string\.$/),
  account('metadata too long', { metadata: { a: 'x'.repeat(490) } }, /^metadata has 498 bytes/),
  account('metadata a lone surrogate', { metadata: { a: '\ud800' } }, /metadata has a lone/),
  account(
    'metadata of 100 entries',
    { metadata: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [i, ''])) },
    /^metadata has more than 99 entries/,
  ),
  {
    name: 'a reservation for eleven years',
    path: '/v1/reservations',
    body: { ...TRANSFER, timeoutMs: 3.5e11 },
    says: /^timeoutMs must be at most 315360000000\.$/,
  },
  {
    name: 'a settle of -1',
    path: '/v1/reservations/r1/settle',
    body: { id: 'x', amount: -1 },
    says: /^amount must be at least 0\.$/,
  },
  {
    name: 'a release of 0',
    path: '/v1/reservations/r1/release',
    body: { id: 'x', amount: 0 },
    says: /^amount must be at least 1\.$/,
  },
  {
    name: 'an extend of nothing',
    path: '/v1/reservations/r1/extend',
    body: { id: 'x' },
    says: /must have an amount, a timeoutMs or both/,
  },
  {
    name: 'a closed account reopened',
    method: 'PUT',
    path: '/v1/accounts/acme/closed',
    body: { id: 'x', value: false },
    says: /^value must be true\.$/,
  },
]

const BATCHES: readonly BadRequest[] = [
  batch('an empty batch', [], /^commands must not be empty\.$/),
  batch('commands that are none', 5, /^commands must be a list\.$/),
  batch('a member that is none', [SETTLE, 5], /^commands\[1\] must be an object\.$/),
  batch('a member without type', [SETTLE, {}], /^commands\[1\]\.type is missing\.$/),
  batch(
    'an unknown type',
    [{ type: 'expire' }],
    /^commands\[0\]\.type must be one of open_account/,
  ),
  batch('a type of Object', [{ type: 'toString' }], /^commands\[0\]\.type must be one of/),
  batch('a bad amount', [SETTLE, { ...SETTLE, amount: -1 }], /^commands\[1\]\.amount must be at/),
  batch('a bad number', [SETTLE, { ...SETTLE, amount: 0.1 }], /^commands\[1\]\.amount has the/),
  batch('a bad id', [{ ...SETTLE, reservation: NIL }], /^commands\[0\]\.reservation must not be/),
  batch('a dry run', [{ ...SETTLE, dryRun: true }], /^commands\[0\]\.dryRun is not a field/),
  batch('8,193 commands', Array(8_193).fill(SETTLE), /8193 commands: 8192 at most/, {
    code: 'batch_too_large',
    status: 413,
  }),
  {
    name: 'a chain of 1,025',
    path: '/v1/batches',
    body: { linked: true, commands: Array(1_025).fill(SETTLE) },
    code: 'chain_too_large',
    status: 413,
    says: /1025 commands: 1024 at most/,
  },
  {
    name: 'a chain longer than a frame',
    path: '/v1/batches',
    body: {
      linked: true,
      commands: Array.from({ length: 900 }, (_, i) => ({
        ...SETTLE,
        id: `${i}${'x'.repeat(250)}`,
      })),
    },
    code: 'chain_too_large',
    status: 413,
    says: /bytes of records: 262016 at most/,
  },
  {
    name: 'a chain of 30 groups',
    path: '/v1/batches',
    body: { linked: true, commands: Array(30).fill({ type: 'settle_group', id: 'x', group: 'g' }) },
    code: 'chain_too_large',
    status: 413,
    says: /outcomes of the chain could take/,
  },
]

const TARGETS: readonly BadRequest[] = [
  {
    name: 'no route',
    method: 'GET',
    path: '/v1/nothing',
    code: 'not_found',
    status: 404,
    says: /no route/,
  },
  {
    name: 'no id',
    method: 'GET',
    path: '/v1/accounts/',
    code: 'not_found',
    status: 404,
    says: /no route/,
  },
  {
    name: 'a deeper path',
    method: 'GET',
    path: '/v1/accounts/a/b/c',
    code: 'not_found',
    status: 404,
    says: /no route/,
  },
  { name: 'a wrong escape', method: 'GET', path: '/v1/accounts/%zz', says: /not percent-encoded/ },
  { name: 'half a letter', method: 'GET', path: '/v1/accounts/%c3', says: /not percent-encoded/ },
  { name: 'the nil UUID in a path', method: 'GET', path: `/v1/accounts/${NIL}`, says: /nil UUID/ },
  {
    name: 'a long id in a path',
    method: 'GET',
    path: `/v1/accounts/${'x'.repeat(257)}`,
    says: /256 bytes/,
  },
  {
    name: 'another method',
    method: 'PUT',
    path: '/v1/transfers',
    body: {},
    code: 'method_not_allowed',
    status: 405,
    says: /takes POST/,
  },
]

/** All of them. */
export const BAD_REQUESTS: readonly BadRequest[] = [...SYNTAX, ...FIELDS, ...BATCHES, ...TARGETS]
