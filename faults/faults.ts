/** The faults there are, by the name that a scenario gives them. */
import type { Injector } from '../harness/fault.js';
import type { FaultPlan } from '../harness/scenario.js';
import { injectRoleCrash } from './role-crash.js';

export const injectors: Readonly<Record<FaultPlan['kind'], Injector>> = { 'role-crash': injectRoleCrash };
