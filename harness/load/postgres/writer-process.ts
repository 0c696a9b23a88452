/** The users of the source database as a process of their own. */
import { runChild } from '../../processes/child.js';
import { writeChanges } from './writer.js';

runChild(writeChanges);
