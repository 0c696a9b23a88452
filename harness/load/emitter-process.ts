/** The source of changes as a process of its own. */
import { runChild } from '../processes/child.js';
import { emitChanges } from './emitter.js';

runChild(emitChanges);
