// What views keep of the small module.

import type { ModuleView } from '../../../protocol/index.ts'

/** See the head of this file. */
export const view: ModuleView = {
  module: 'jars',
  tables: [
    {
      table: 'jars',
      fields: {
        id: 'text',
        coins: 'integer',
        size: 'integer',
        label: 'text?',
        openedAt: 'integer',
      },
      key: 'id',
      keepsRemoved: false,
      indexes: ['size'],
    },
  ],
}
