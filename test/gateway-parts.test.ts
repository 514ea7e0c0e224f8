// The gateway's parts by themselves, under random input: the scan of JSON text, the way from a
// checked command to a record, the slab of tokens, the cache of ids.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { parseJsonBody } from '../gateway/json-body.ts'
import { countKeys, scanJson } from '../gateway/json-scan.ts'
import * as limits from '../gateway/limits.ts'
import { PendingTable, type Waiter } from '../gateway/pending.ts'
import { Refusal } from '../gateway/refusal.ts'
import { commandFault } from '../gateway/validation.ts'
import {
  AMOUNT_MAX,
  allocateWords,
  BYTES_OF_KIND,
  COMMAND_NAMES,
  type CommandName,
  canonicalMetadata,
  createIdCache,
  encodeCommand,
  fieldsFault,
  holdsRecord,
  idFromText,
  isCanonicalUuid,
  isWellFormed,
  KIND,
  MODULE,
  metadataHash,
  RECORD,
  readTailEntry,
  recordBytes,
  TAIL_TAG,
  TIMEOUT_MS_MAX,
  writeModuleRecord,
} from '../protocol/index.ts'

const { PENDING_MAX } = limits
const RUNS = { numRuns: 500 }

t.test('the scan counts keys as the parser does, and refuses what would be rounded', async (t) => {
  const value = fc.jsonValue({ depthSize: 'small', maxDepth: 8 })
  fc.assert(
    fc.property(value, (json) => {
      const text = JSON.stringify(json)
      const scanned = scanJson(text)
      if (typeof scanned === 'number') return scanned === countKeys(JSON.parse(text))
      return scanned.kind === 'number' && !/^-?\d{1,16}$/.test(numberFrom(text, scanned.at))
    }),
    RUNS,
  )
  fc.assert(
    fc.property(fc.maxSafeInteger(), (n) => {
      const body = parseJsonBody(Buffer.from(`{"n":${n}}`))
      return !(body instanceof Refusal) && (body.value as { n: number }).n === n
    }),
    RUNS,
  )
  t.pass('held')
})

function numberFrom(text: string, at: number): string {
  const token = /^[-+0-9.eE]*/.exec(text.slice(at))?.[0] ?? ''
  return Object.is(Number(token), -0) || Number.isInteger(Number(token)) ? 'whole' : token
}

/** What a number has to be, as a pattern. */
const INTEGER = /^(-?[1-9][0-9]{0,15}|0)$/

t.test('the scan lets the numbers through that are canonical integers', async (t) => {
  const digits = fc.array(fc.constantFrom(...'0012579-+.eE'), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(
      fc.constantFrom('', '-'),
      fc.constantFrom(...'019'),
      digits,
      (sign, first, more) => {
        for (const number of [sign + first, sign + first + more.join('')]) {
          const faults = [`${number}`, `[${number}]`, `{"n":${number}}`].map(
            (text) => typeof scanJson(text) !== 'number',
          )
          if (!faults.every((isFault) => isFault === !INTEGER.test(number))) return false
        }
        return true
      },
    ),
    { numRuns: 3_000 },
  )
  t.same(scanJson('[1,2.5]'), { kind: 'number', at: 3 })
  t.pass('held')
})

t.test('one input has one record, however it is written', async (t) => {
  const names = ['note', 'count', '7', 'jar', 'parts', 'isLast']
  const input = fc.record(
    {
      note: fc.string({ unit: 'grapheme' }),
      count: fc.maxSafeInteger(),
      '7': fc.constantFrom('x', 'e\u0301', '\u0958', '\u00e9'),
      jar: fc.string(),
      parts: fc.array(fc.string()),
      isLast: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  const record = (fields: readonly string[], value: Readonly<Record<string, unknown>>): string => {
    const words = allocateWords(4_096)
    const bytes = writeModuleRecord(words, 8, KIND.module, idFromText('a'), 5, fields, value)
    return Buffer.from(words.u8.subarray(8, 8 + bytes)).toString('hex')
  }
  fc.assert(
    fc.property(input, fc.shuffledSubarray(names, { minLength: names.length }), (value, order) => {
      const other: Record<string, unknown> = { gone: undefined }
      for (const name of order) {
        const member = value[name as keyof typeof value]
        other[name] = typeof member === 'string' ? member.normalize('NFD') : member
      }
      const made = record(names, value)
      // The first fields have a byte each, which are 0 for those alone that are not there.
      const bytes = Buffer.from(made, 'hex').subarray(MODULE.fields, MODULE.fields + names.length)
      const isMarked = names.every((name, n) => (bytes[n] !== 0) === Object.hasOwn(value, name))
      return isMarked && record(names, other) === made
    }),
    RUNS,
  )
  t.pass('held')
})

t.test('no bytes make the parser throw, and large ones are refused fast', async (t) => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ':',
        ',',
        '"',
        '\\',
        '"a"',
        '"id":',
        '5',
        '-',
        '0',
        '1e9',
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), pieces), (input) => {
      const bytes = Array.isArray(input) ? Buffer.from(input.join('')) : Buffer.from(input)
      const body = parseJsonBody(bytes)
      return body instanceof Refusal || 'value' in body
    }),
    { numRuns: 5_000 },
  )
  const large = [
    '['.repeat(4_000_000),
    '9'.repeat(4_000_000),
    `{"a":1,${'"b":1,'.repeat(600_000)}"b":1}`,
  ]
  for (const text of large) {
    const before = performance.now()
    t.ok(parseJsonBody(Buffer.from(text)) instanceof Refusal)
    t.ok(performance.now() - before < 4_000, '1 ms for each kB at most')
  }
})

const amount = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(1, AMOUNT_MAX))
const id = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  fc.uuid(),
  fc.uuid().map((uuid) => uuid.toUpperCase()),
  fc.constant('é'.repeat(128)),
)
const metadata = fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 20 }), {
  maxKeys: 9,
})
const timeoutMs = fc.constantFrom(1, 60_000, TIMEOUT_MS_MAX)
const flag = fc.boolean()
const pair = { id, debitAccount: id, creditAccount: id, amount }

const COMMANDS: Readonly<Record<CommandName, fc.Arbitrary<object>>> = {
  open_account: fc.record(
    {
      id,
      ledger: amount.map((n) => Math.min(n, 2 ** 32 - 1)),
      creditLimit: amount,
      external: flag,
      history: flag,
      metadata,
    },
    { requiredKeys: ['id', 'ledger'] },
  ),
  set_credit_limit: fc.record({ id, account: id, value: fc.constantFrom(0, AMOUNT_MAX) }),
  freeze_account: fc.record({ id, account: id }),
  unfreeze_account: fc.record({ id, account: id }),
  close_account: fc.record({ id, account: id }),
  transfer: fc.record(
    { ...pair, atMost: flag },
    { requiredKeys: ['id', 'debitAccount', 'creditAccount', 'amount'] },
  ),
  reserve: fc.record(
    { ...pair, timeoutMs, group: id, allowOver: flag, atMost: flag, metadata },
    { requiredKeys: ['id', 'debitAccount', 'creditAccount', 'amount'] },
  ),
  settle: fc.record(
    { id, reservation: id, amount: fc.constantFrom(0, 5), final: flag },
    { requiredKeys: ['id', 'reservation'] },
  ),
  release: fc.record({ id, reservation: id, amount }, { requiredKeys: ['id', 'reservation'] }),
  extend: fc.record(
    { id, reservation: id, amount, timeoutMs },
    { requiredKeys: ['id', 'reservation', 'timeoutMs'] },
  ),
  settle_group: fc.record({ id, group: id }),
  release_group: fc.record({ id, group: id }),
}

t.test('what the checks accept, the engine takes for well formed', async (t) => {
  const ids = createIdCache(8)
  const words = allocateWords(2_048)
  for (const [name, arbitrary] of Object.entries(COMMANDS)) {
    const kind = COMMAND_NAMES[name as CommandName]
    let accepted = 0
    fc.assert(
      fc.property(arbitrary, (fields) => {
        const command = { type: name, ...fields } as never
        if (commandFault(command, 'c') !== undefined || fieldsFault(command) !== undefined) return
        accepted++
        words.u8.fill(0xff)
        const bytes = encodeCommand(words, 0, kind, command, ids)
        const { id, metadata, group } = command as {
          id: string
          metadata?: Record<string, string>
          group?: string
        }
        if (!holdsRecord(words, 0, bytes) || !isWellFormed(words, 0)) throw new Error('malformed')
        if (bytes !== recordBytes(words, 0)) throw new Error('the length is wrong')
        const tail = (tag: 1 | 2 | 3) =>
          readTailEntry(words.u8, BYTES_OF_KIND[kind] as number, words.u16[1] as number, tag)
        const spelled = isCanonicalUuid(id) ? undefined : id
        if (tail(TAIL_TAG.id) !== spelled) throw new Error('the spelling is lost')
        if (Buffer.compare(words.u8.subarray(16, 32), idFromText(id)) !== 0)
          throw new Error('another id')
        const text = canonicalMetadata(metadata ?? {})
        if ((tail(TAIL_TAG.metadata) ?? '') !== text) throw new Error('metadata is lost')
        if (words.u32[RECORD.metadataHash >>> 2] !== metadataHash(text))
          throw new Error('another hash')
        if (
          name === 'reserve' &&
          group !== undefined &&
          !isCanonicalUuid(group) &&
          tail(TAIL_TAG.group) !== group
        ) {
          throw new Error('the group is lost')
        }
      }),
      { numRuns: 200 },
    )
    t.ok(accepted > 150, `${name}: ${accepted} accepted`)
  }
})

t.test('metadata has one canonical text', async (t) => {
  fc.assert(
    fc.property(metadata, (content) => {
      const names = Object.keys(content)
      const turned = Object.fromEntries(
        names.reverse().map((name) => [name, content[name] as string]),
      )
      const text = canonicalMetadata(content)
      return (
        text === canonicalMetadata(turned) &&
        metadataHash(text) === metadataHash(canonicalMetadata(turned))
      )
    }),
  )
  t.equal(canonicalMetadata({ b: '1', a: '"', B: '2' }), '{"B":"2","a":"\\"","b":"1"}')
  t.equal(metadataHash(''), 0)
})

t.test('tokens are given in a row, never twice, and lost ones stay taken', async (t) => {
  const waiter = (): Waiter => ({ onOutcome() {}, onLost() {}, onFault() {} })
  const table = new PendingTable()
  const [a, b] = [waiter(), waiter()]
  t.equal(table.peek(3), 0)
  for (const token of [0, 1, 2]) table.note(token, 7, 96, 70 + token, token)
  t.equal(table.peek(3), 0, 'a note takes nothing')
  table.take(3, a, 10)
  t.equal(table.peek(PENDING_MAX - 2), -1, 'more than there are')
  t.equal(table.peek(2), 3)
  table.take(2, b, 20)
  t.equal(table.resolve(1), a)
  t.equal(table.resolve(1), undefined, 'once')
  t.same([table.tokenOf(1), table.bytesOf(1)], [71, 96], 'what the record came with')
  t.equal(table.routeOf(2), 2)
  const lost = [
    { kind: 7, token: 70 },
    { kind: 7, token: 72 },
  ]
  t.same([...table.lose(15)], [[a, lost]], 'who waits since before, and for what')
  t.same([...table.lose(15)], [], 'is told once')
  t.equal(table.count, 4, 'and keeps the tokens')
  t.not(table.resolve(0), a)
  table.take(PENDING_MAX - 5, b, 30)
  t.equal(table.peek(1), PENDING_MAX, 'the next round begins')
  table.take(1, b, 30)
  t.equal(table.peek(1), PENDING_MAX + 1, 'the place of token 1 is free')
  table.take(1, b, 30)
  t.equal(table.peek(1), -1, 'the place of token 2 is not')
})

t.test('the cache of ids is bounded and right', async (t) => {
  const ids = createIdCache(4)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 40; i++) t.same(ids(`name-${i}`).bytes, idFromText(`name-${i}`))
  }
  t.equal(ids('name-39'), ids('name-39'), 'the same one, not hashed again')
})

t.test('the pages name every limit of the gateway with its value', async (t) => {
  const said = (path: string) => {
    const rows = readFileSync(path, 'utf8').matchAll(/^\| `([A-Z_]+)` +\| ([\d,]+)/gm)
    return Object.fromEntries(
      [...rows].map(([, name, value]) => [name, Number(value?.replaceAll(',', ''))]),
    )
  }
  const isOfStreams = ([name]: [string, number]) => name.startsWith('STREAM_')
  const all: [string, number][] = Object.entries(limits)
  t.same(said('docs/stream.md'), Object.fromEntries(all.filter(isOfStreams)), 'each, and no other')
  t.same(said('docs/http.md'), Object.fromEntries(all.filter((one) => !isOfStreams(one))))
})
