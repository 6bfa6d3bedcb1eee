// Upgrades a chain's runtime with @polkadot/api, as anybody can once governance has authorized the new code.
//
// usage: node upgrade.mjs authorize --code FILE <RAW-SPEC >SPEC
//        node upgrade.mjs apply --code FILE --result FILE [--url ws://127.0.0.1:9944] [--uri //Alice]
//
// `authorize` writes the authorization into the genesis state of a chain's raw specification: a test can't wait
// for the days that a referendum takes. `apply` submits the code, and writes as JSON the block after which it is in
// force, which disputes were undecided in that block, and the versions of the runtime before and after.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a, xxhashAsU8a } from '@polkadot/util-crypto';

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: {
    code: { type: 'string' },
    result: { type: 'string' },
    url: { type: 'string', default: 'ws://127.0.0.1:9944' },
    uri: { type: 'string', default: '//Alice' },
  },
});
const [command] = positionals;
const known = command === 'authorize' || (command === 'apply' && options.result);
if (!known || options.code === undefined) {
  console.error('upgrade: give authorize or apply, --code FILE, and for apply --result FILE');
  process.exit(2);
}
const code = readFileSync(options.code);

/** The raw specification with `System::AuthorizedUpgrade` in its genesis state. */
function authorize(specification) {
  const key = u8aConcat(xxhashAsU8a('System', 128), xxhashAsU8a('AuthorizedUpgrade', 128));
  // The code's hash, and that its version is checked: the name must be the same, and the number higher.
  const authorization = u8aConcat(blake2AsU8a(code, 256), [1]);
  const { top } = specification.genesis.raw;
  return {
    ...specification,
    genesis: { raw: { top: { ...top, [u8aToHex(key)]: u8aToHex(authorization) }, childrenDefault: {} } },
  };
}

/** Does something with a connection of its own. */
async function connected(work) {
  const api = await ApiPromise.create({ provider: new WsProvider(options.url), noInitWarn: true });
  try {
    return await work(api);
  } finally {
    await api.disconnect();
  }
}

/** Submits the code; resolves to the hash of the final block that has it. */
async function submit(api) {
  const signer = new Keyring({ type: 'sr25519' }).addFromUri(options.uri);
  const transaction = await api.tx.system.applyAuthorizedUpgrade(u8aToHex(code)).signAsync(signer);
  // Its status alone: events of this block would be read with the types of either runtime.
  return new Promise((resolve, reject) => {
    api.rpc.author
      .submitAndWatchExtrinsic(transaction, (status) => {
        if (status.isInvalid || status.isDropped || status.isUsurped) {
          reject(new Error(`the transaction is ${status.type}`));
        } else if (status.isFinalized) resolve(status.asFinalized.toHex());
      })
      .catch(reject);
  });
}

/** What the upgrade in this block has found and brought. */
async function report(api, block) {
  const header = await api.rpc.chain.getHeader(block);
  const version = async (at) => (await api.rpc.state.getRuntimeVersion(at)).specVersion.toNumber();
  const [from, to] = [await version(header.parentHash), await version(block)];
  if (from === to) throw new Error('the runtime is the same; is the code the authorized one?');
  // The block was still made by the runtime before; what it leaves is for the next one.
  const disputes = await (await api.at(block)).query.pouw.disputes.entries();
  const open = disputes
    .filter(([, dispute]) => dispute.unwrap().provenWrong.isNone)
    .map(([key]) => key.args[0].toNumber());
  return { block: header.number.toNumber(), from, to, open };
}

async function apply() {
  const block = await connected(submit);
  const found = await connected((api) => report(api, block));
  writeFileSync(options.result, JSON.stringify(found));
}

try {
  if (command === 'apply') await apply();
  else console.log(JSON.stringify(authorize(JSON.parse(readFileSync(0, 'utf8')))));
} catch (error) {
  console.error(`upgrade: ${error.message}`);
  process.exitCode = 1;
}
