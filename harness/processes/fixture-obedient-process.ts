import { runChild } from './child.js';
import { obey } from './fixture-obedient.js';

runChild(obey);
