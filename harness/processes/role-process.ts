/** A role as a process of its own. */
import { runChild } from './child.js';
import { runRole } from './role.js';

runChild(runRole);
