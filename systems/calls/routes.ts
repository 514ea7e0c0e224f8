// The face of calls to the gateway: its routes, what they turn into, its codes and its list.
// Decides nothing. Idempotency: where a body has an id, the command is known by it within what it
// acts on; an answer, an end, a cancel, a close and a PUT have none, and are known by what they
// find: said again they give the same facts. The header `Idempotency-Key` is heeded there; without
// it each has a fresh id.

import type {
  ModuleAction,
  ModuleList,
  ModuleRequest,
  ModuleRoute,
  ModuleSurface,
} from '../../protocol/index.ts'
import { CODES } from './codes.ts'
import { BODIES, COMMAND_INPUTS, ENDED_STATES, QUERY_INPUTS, REPLIES } from './schemas.ts'
import { RECORDS } from './tables.ts'

type Input = Readonly<Record<string, unknown>>

/** `kind/of/id`, where what comes before the id cannot be taken for another by a slash in it. */
function scoped(kind: string, of: string, id: unknown): string {
  return `${kind}/${of.replaceAll('%', '%25').replaceAll('/', '%2F')}/${id}`
}

/** The body with what is acted on, which is in the path, and without its idempotency key. */
function inputOf(name: string): (request: ModuleRequest) => Input {
  return ({ params, body }) => {
    const { id, ...rest } = body
    return { [name]: params.id, ...rest }
  }
}

/** A new resource's body, whose `id` is the resource's name. */
function createdOf(name: string): (request: ModuleRequest) => Input {
  return ({ body }) => {
    const { id, dryRun, ...rest } = body
    return { [name]: id, ...rest }
  }
}

const byPath = ({ params }: ModuleRequest): Input => ({ id: params.id })
const bodyOf = ({ body }: ModuleRequest): Input => body

function runs(command: keyof typeof COMMAND_INPUTS): ModuleRoute['pick'] {
  return () => ({ command })
}

function asks(query: keyof typeof QUERY_INPUTS): ModuleRoute['pick'] {
  return () => ({ query })
}

const CUSTOMERS: readonly ModuleRoute[] = [
  {
    method: 'POST',
    path: '/v1/customers',
    summary: 'Open a customer.',
    body: BODIES.AddCustomer,
    reply: REPLIES.Customer,
    success: 201,
    pick: runs('add_customer'),
    id: ({ body }) => `customer/${body.id}`,
    input: createdOf('customerId'),
  },
  {
    method: 'GET',
    path: '/v1/customers/{id}',
    summary: 'A customer, its money and its live calls.',
    reply: REPLIES.Customer,
    success: 200,
    pick: asks('customer'),
    input: byPath,
  },
  {
    method: 'PATCH',
    path: '/v1/customers/{id}',
    summary: 'Change a customer; null takes a limit away.',
    body: BODIES.ChangeCustomer,
    reply: REPLIES.Customer,
    success: 200,
    pick: runs('change_customer'),
    id: ({ params, body }) => scoped('change', params.id as string, body.id),
    input: inputOf('customerId'),
  },
  {
    method: 'POST',
    path: '/v1/customers/{id}/topups',
    summary: 'Money comes in; a lone call that wanted more gets it.',
    body: BODIES.TopUp,
    reply: REPLIES.ToppedUp,
    success: 201,
    pick: runs('top_up'),
    id: ({ params, body }) => scoped('topup', params.id as string, body.id),
    input: inputOf('customerId'),
  },
]

const TARIFFS: readonly ModuleRoute[] = [
  {
    method: 'PUT',
    path: '/v1/tariffs/{id}',
    summary: 'Add a tariff or change it; live calls keep theirs.',
    body: BODIES.PutTariff,
    reply: REPLIES.Tariff,
    success: 200,
    pick: runs('put_tariff'),
    input: inputOf('tariffId'),
  },
  {
    method: 'GET',
    path: '/v1/tariffs/{id}',
    summary: 'A tariff.',
    reply: REPLIES.Tariff,
    success: 200,
    pick: asks('tariff'),
    input: byPath,
  },
]

const CALLS: readonly ModuleRoute[] = [
  {
    method: 'POST',
    path: '/v1/calls',
    summary: 'Let a call in and hold what it may cost.',
    body: BODIES.StartCall,
    reply: REPLIES.StartedCall,
    success: 201,
    pick: runs('start'),
    id: ({ body }) => `start/${body.callId}`,
    input: bodyOf,
  },
  {
    method: 'GET',
    path: '/v1/calls/{id}',
    summary: 'A call, live or ended not long ago.',
    reply: REPLIES.Call,
    success: 200,
    pick: asks('call'),
    input: byPath,
  },
  {
    method: 'POST',
    path: '/v1/calls/{id}/answer',
    summary: 'The call is connected.',
    reply: REPLIES.StartedCall,
    success: 200,
    pick: runs('answer'),
    input: inputOf('callId'),
  },
  {
    method: 'POST',
    path: '/v1/calls/{id}/extend',
    summary: 'More seconds for a live call.',
    body: BODIES.ExtendCall,
    reply: REPLIES.ExtendedCall,
    success: 200,
    pick: runs('extend'),
    id: ({ params, body }) => scoped('extend', params.id as string, body.id),
    input: inputOf('callId'),
  },
  {
    method: 'POST',
    path: '/v1/calls/{id}/end',
    summary: 'Charge what was talked, give the rest back.',
    body: BODIES.EndCall,
    reply: REPLIES.EndedCall,
    success: 200,
    pick: runs('end'),
    input: inputOf('callId'),
  },
  {
    method: 'POST',
    path: '/v1/calls/{id}/cancel',
    summary: 'Give back what is held for a call that was not answered.',
    body: BODIES.CancelCall,
    reply: REPLIES.EndedCall,
    success: 200,
    pick: runs('cancel'),
    input: inputOf('callId'),
  },
]

const CAMPAIGNS: readonly ModuleRoute[] = [
  {
    method: 'POST',
    path: '/v1/campaigns',
    summary: 'Hold money for many calls at once; with dryRun say what would be.',
    body: BODIES.AddCampaign,
    reply: REPLIES.Campaign,
    success: 201,
    pick: ({ body }) =>
      body.dryRun === true ? { query: 'estimate' } : { command: 'add_campaign' },
    id: ({ body }) => `campaign/${body.id}`,
    input: (request) => {
      const { campaignId, ...rest } = createdOf('campaignId')(request)
      return request.body.dryRun === true ? rest : { campaignId, ...rest }
    },
  },
  {
    method: 'GET',
    path: '/v1/campaigns/{id}',
    summary: 'A campaign.',
    reply: REPLIES.Campaign,
    success: 200,
    pick: asks('campaign'),
    input: byPath,
  },
  {
    method: 'POST',
    path: '/v1/campaigns/{id}/close',
    summary: 'Give back what no call has drawn.',
    reply: REPLIES.Campaign,
    success: 200,
    pick: runs('close_campaign'),
    input: inputOf('campaignId'),
  },
]

const SETTINGS: readonly ModuleRoute[] = [
  {
    method: 'GET',
    path: '/v1/settings/calls',
    summary: 'The time limits of calls.',
    reply: REPLIES.Settings,
    success: 200,
    pick: asks('settings'),
    input: () => ({}),
  },
  {
    method: 'PATCH',
    path: '/v1/settings/calls',
    summary: 'Change time limits; what is live keeps the times that it was given.',
    body: BODIES.ChangeSettings,
    reply: REPLIES.Settings,
    success: 200,
    pick: runs('change_settings'),
    input: bodyOf,
  },
]

const CALL_RECORDS: ModuleList = {
  path: '/v1/call-records',
  summary: 'Finished calls in order of their ends, as JSON or CSV.',
  table: RECORDS.name,
  filters: ['customerId', 'callId', 'campaignId', 'state'],
  values: { state: ENDED_STATES },
  columns: {
    callId: 'callId',
    customerId: 'customerId',
    destination: 'destination',
    state: 'state',
    mode: 'mode',
    campaignId: 'campaignId',
    tariffId: 'tariffId',
    currency: 'currency',
    startedAt: 'startedAt',
    answeredAt: 'answeredAt',
    endedAt: 'endedAt',
    grantedSeconds: 'grantedSeconds',
    durationSeconds: 'durationSeconds',
    billedSeconds: 'billedSeconds',
    cost: 'cost',
    uncollected: 'uncollected',
    cause: 'cause',
  },
  times: ['startedAt', 'answeredAt', 'endedAt'],
}

function actionsOf<Name extends string>(
  inputs: Readonly<Record<Name, object>>,
): Readonly<Record<Name, ModuleAction>> {
  const entries = Object.entries(inputs).map(([name, input]) => [name, { input }])
  return Object.fromEntries(entries) as Record<Name, ModuleAction>
}

/** See the head of this file. */
export const surface: ModuleSurface = {
  module: 'calls',
  commands: actionsOf(COMMAND_INPUTS),
  queries: actionsOf(QUERY_INPUTS),
  codes: CODES,
  routes: [...CUSTOMERS, ...TARIFFS, ...CALLS, ...CAMPAIGNS, ...SETTINGS],
  lists: [CALL_RECORDS],
}
