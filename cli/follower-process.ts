// Entry of the follower's process beside a server. What it does is in follower-run.ts.

import { runFollower } from './follower-run.ts'
import { runHelper } from './helper-process.ts'

await runHelper('follower', runFollower)
