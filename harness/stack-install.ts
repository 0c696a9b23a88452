/**
 * Gets what others wrote and stacks run. `npm run stack:install`: programs, with the package managers of this machine, into
 * a folder of the user's. `npm run stack:images`: the images of the stack docker, into its daemon, pulled or, where none can
 * be, made of those programs. What is there is left alone; what cannot be had is said, with the reason.
 */
import { messageOf } from './errors.js';
import { imageRecipes } from './servers/images.js';
import { commandRunner, isFound, programsDirectory, type Recipe } from './servers/programs.js';
import { recipes } from './servers/recipes.js';

const say = (line: string) => process.stdout.write(`${line}\n`);

const wanted = process.argv[2] === 'images' ? imageRecipes : recipes;
if (wanted === recipes) say(`Programs go to ${programsDirectory()}.`);
let missing = 0;
for (const recipe of wanted) if (!(await isThere(recipe))) missing++;
say(missing === 0 ? 'Everything is there.' : `Not everything is there: ${missing} of ${wanted.length} are missing.`);
process.exitCode = missing === 0 ? 0 : 1;

async function isThere(recipe: Recipe): Promise<boolean> {
  const { name, isFor } = recipe;
  const before = await recipe.find();
  if (isFound(before)) {
    say(`${name} ${before.version} (${isFor}) is there: ${before.path}.`);
    return true;
  }
  say(`${name} (${isFor}): ${before.missing}`);
  try {
    await recipe.install(commandRunner((line) => say(`  ${line}`)));
  } catch (error) {
    say(`${name} is MISSING: ${messageOf(error)}`);
    return false;
  }
  const after = await recipe.find();
  if (isFound(after)) say(`${name} ${after.version} was put there: ${after.path}.`);
  else say(`${name} is MISSING although its commands succeeded: ${after.missing}`);
  return isFound(after);
}
