// What views keep of calls: the records of finished ones, for good.

import type { ModuleView } from '../../protocol/index.ts'
import { RECORDS } from './tables.ts'

/** See the head of this file. */
export const view: ModuleView = {
  module: 'calls',
  tables: [
    {
      table: RECORDS.name,
      fields: RECORDS.fields,
      key: RECORDS.key,
      keepsRemoved: true,
      indexes: ['customerId', 'callId', 'campaignId', 'state'],
    },
  ],
}
