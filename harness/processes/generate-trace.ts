/**
 * A process that generates one trace and ends. What a generator once held of a long history it would hold for the whole
 * run, beside the plane: memory that was freed is seldom given back to the operating system before the process ends.
 */

import { generateTrace } from '../../workloads/trace-generation.js';
import { answerOnce } from './child.js';

answerOnce(generateTrace);
