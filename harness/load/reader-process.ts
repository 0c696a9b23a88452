/** The readers as a process of their own. */
import { runChild } from '../processes/child.js';
import { readPlane } from './reader.js';

runChild(readPlane);
