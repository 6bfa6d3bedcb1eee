// Submits a task, follows its events to settlement, and reads a view function of the market.
// It knows nothing of the chain but what its metadata says: no custom types.
//
// usage: node follow-task.mjs --url ws://127.0.0.1:9944 --uri //Client --spec FILE [--from BLOCK] [--minutes 10]
//        node follow-task.mjs --url ws://127.0.0.1:9944 --task 0 [--from BLOCK] [--minutes 10]
//
// FILE holds the encoded specification as hex, as `ml-worker task prepare` writes it. BLOCK is the first one whose
// events are told: without it the present one for a task that is submitted, else block 1.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { compactAddLength, u8aConcat, u8aToHex } from '@polkadot/util';

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'ws://127.0.0.1:9944' },
    uri: { type: 'string' },
    spec: { type: 'string' },
    task: { type: 'string' },
    from: { type: 'string' },
    minutes: { type: 'string', default: '10' },
  },
});
if (options.task === undefined && !(options.spec && options.uri)) {
  console.error('follow-task: give --task NUMBER, or both --spec FILE and --uri SEED');
  process.exit(2);
}

const MARKET = ['tickets', 'mlTasks', 'pouw', 'rewards'];
const HOLDS = ['Held', 'Released', 'BurnedHeld', 'TransferOnHold'];

/** What is of the market: its own events, and what becomes of money that is on hold. */
function isOfMarket({ section, method }) {
  return MARKET.includes(section) || (section === 'balances' && HOLDS.includes(method));
}

/** A connection to the node. */
const connect = () =>
  ApiPromise.create({
    provider: new WsProvider(options.url, 1000),
    noInitWarn: true,
  });
let api = await connect();

/** The one line that tells an event of the market: its name and its fields. */
function describe(event) {
  const fields = event.data.names ?? [];
  const shown = fields.map((name, i) => `${name}=${event.data[i].toString().slice(0, 70)}`);
  return `${event.section}.${event.method} ${shown.join(' ')}`;
}

/** Submits the specification; resolves to the number of the task that its event names. */
function submit(spec, uri) {
  const client = new Keyring({ type: 'sr25519' }).addFromUri(uri);
  return new Promise((resolve, reject) => {
    api.tx.mlTasks
      .submitTask(spec)
      .signAndSend(client, ({ status, events, dispatchError }) => {
        if (dispatchError) {
          const told = dispatchError.isModule
            ? api.registry.findMetaError(dispatchError.asModule)
            : { section: '', name: dispatchError.toString(), docs: [] };
          reject(new Error(`refused: ${told.section}.${told.name}: ${told.docs.join(' ')}`));
        } else if (status.isInvalid || status.isDropped || status.isUsurped) {
          reject(new Error(`the transaction is ${status.type}`));
        } else if (status.isInBlock) {
          const found = events.find(({ event }) => api.events.mlTasks.TaskSubmitted.is(event));
          if (found) resolve(found.event.data.task.toNumber());
          else reject(new Error('the block has no event mlTasks.TaskSubmitted'));
        }
      })
      .catch(reject);
  });
}

const pause = () => new Promise((wake) => setTimeout(wake, 1000));

/**
 * The events of a block. The question is asked again where the runtime was upgraded in between: its answer would be
 * read with the types of the other runtime.
 */
async function eventsOf(number) {
  for (let attempts = 5; ; attempts -= 1) {
    try {
      const at = await api.at(await api.rpc.chain.getBlockHash(number));
      return await at.query.system.events();
    } catch (error) {
      if (attempts === 1) throw error;
      await pause();
      // A connection that has seen the upgrade reads the blocks before it with the new types; a new one does not.
      await api.disconnect();
      api = await connect();
    }
  }
}

/** Follows finalized blocks until the task has ended; resolves to the event that ended it. */
async function follow(task, from) {
  let next = from;
  for (;;) {
    const head = await api.rpc.chain.getFinalizedHead();
    const last = (await api.rpc.chain.getHeader(head)).number.toNumber();
    for (; next <= last; next += 1) {
      for (const { event } of await eventsOf(next)) {
        if (!isOfMarket(event)) continue;
        console.log(`#${next} ${describe(event)}`);
        if (api.events.mlTasks.TaskEnded.is(event) && event.data.task.toNumber() === task) {
          return event;
        }
      }
    }
    await pause();
  }
}

/** Calls a pallet's view function by its name, with what the metadata says about it. */
async function view(palletName, functionName, ...inputs) {
  const raw = await api.call.metadata.metadataAtVersion(16);
  const { Metadata, TypeRegistry } = await import('@polkadot/types');
  const registry = new TypeRegistry();
  const metadata = new Metadata(registry, raw.unwrap().toHex());
  registry.setMetadata(metadata);
  const pallet = metadata.asV16.pallets.find(({ name }) => name.toString() === palletName);
  const found = pallet.viewFunctions.find(({ name }) => name.toString() === functionName);
  const encoded = u8aConcat(
    ...found.inputs.map(({ type }, i) =>
      registry.createType(registry.createLookupType(type), inputs[i]).toU8a(),
    ),
  );
  const answer = await api.rpc.state.call(
    'RuntimeViewFunction_execute_view_function',
    u8aToHex(u8aConcat(found.id.toU8a(), compactAddLength(encoded))),
  );
  const result = registry.createType('Result<Bytes, u8>', answer.toU8a(true));
  if (result.isErr) throw new Error(`view function ${palletName}.${functionName} failed`);
  return registry.createType(registry.createLookupType(found.output), result.asOk.toU8a(true));
}

const timer = setTimeout(() => {
  console.error(`follow-task: the task has not ended within ${options.minutes} minutes`);
  process.exit(1);
}, Number(options.minutes) * 60_000);

try {
  const head = await api.rpc.chain.getHeader();
  const first = options.task === undefined ? head.number.toNumber() : 1;
  const from = options.from === undefined ? first : Number(options.from);
  const task =
    options.task === undefined
      ? await submit(readFileSync(options.spec, 'utf8').trim(), options.uri)
      : Number(options.task);
  console.log(`task ${task}`);
  const end = await follow(task, from);
  if (!end.data.phase.isSettled) throw new Error(`the task ended otherwise: ${describe(end)}`);
  const summary = await view('MlTasks', 'task_summary', task);
  if (summary.isNone) throw new Error('the view function knows no summary of the task');
  console.log(JSON.stringify({ task, summary: summary.unwrap().toJSON() }));
} catch (error) {
  console.error(`follow-task: ${error.message}`);
  process.exitCode = 1;
} finally {
  clearTimeout(timer);
  await api.disconnect();
}
