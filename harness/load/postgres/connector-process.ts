/** The connector of the source database as a process of its own. */
import { runChild } from '../../processes/child.js';
import { captureChanges } from './connector.js';

runChild(captureChanges);
