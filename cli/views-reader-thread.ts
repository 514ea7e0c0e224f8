// Entry of the thread that reads the views for a gateway. What it does is views/reader-thread.ts's.

import { serveReader } from '../views/index.ts'

serveReader()
