// Entry of the views' process beside a server. What it does is in views-run.ts.

import { runHelper } from './helper-process.ts'
import { runViews } from './views-run.ts'

await runHelper('views', runViews)
