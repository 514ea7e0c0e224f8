// The module `calls` as the engine loads it: its tables, commands, queries and timers by name. What
// each does is in the file of its idea; README.md says what it is for.

import type { Module } from '../../engine/index.ts'
import {
  addCampaign,
  closeCampaign,
  endCampaign,
  estimateCampaign,
  forgetCampaign,
  readCampaign,
} from './campaigns.ts'
import { addCustomer, changeCustomer, readCustomer, topUp } from './customers.ts'
import { cancel, end, expire } from './endings.ts'
import { answer, extend, readCall, terminate } from './live-calls.ts'
import { forgetRecords } from './records.ts'
import { changeSettings, readSettings } from './settings.ts'
import { start } from './starts.ts'
import { CALLS, CAMPAIGNS, CURRENCIES, CUSTOMERS, RECORDS, SETTINGS, TARIFFS } from './tables.ts'
import { putTariff, readTariff } from './tariffs.ts'

/**
 * See the head of this file. Raise `version` with any change of what a journal comes to. Before the
 * first release, 0.1.0, it stays 1, because no journal outlives a version.
 */
export const rules = {
  name: 'calls',
  version: 1,
  tables: [SETTINGS, CURRENCIES, CUSTOMERS, TARIFFS, CALLS, RECORDS, CAMPAIGNS],
  commands: {
    add_customer: addCustomer,
    change_customer: changeCustomer,
    top_up: topUp,
    put_tariff: putTariff,
    start,
    answer,
    extend,
    end,
    cancel,
    add_campaign: addCampaign,
    close_campaign: closeCampaign,
    change_settings: changeSettings,
  },
  queries: {
    customer: readCustomer,
    tariff: readTariff,
    call: readCall,
    campaign: readCampaign,
    estimate: estimateCampaign,
    settings: readSettings,
  },
  timers: {
    validity: expire,
    terminate,
    forget: forgetRecords,
    campaign: endCampaign,
    forget_campaign: forgetCampaign,
  },
} as const satisfies Module
