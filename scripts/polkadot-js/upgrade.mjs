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

/** Submits the code; resolves to the hash of the block that has it. */
function submit(api) {
  const signer = new Keyring({ type: 'sr25519' }).addFromUri(options.uri);
  return new Promise((resolve, reject) => {
    api.tx.system
      .applyAuthorizedUpgrade(u8aToHex(code))
      .signAndSend(signer, ({ status, events, dispatchError }) => {
        const updated = events.some(({ event }) => api.events.system.CodeUpdated.is(event));
        if (dispatchError) reject(new Error(`refused: ${dispatchError.toString()}`));
        else if (status.isInvalid || status.isDropped) reject(new Error(`it is ${status.type}`));
        else if (status.isFinalized && updated) resolve(status.asFinalized);
        else if (status.isFinalized) reject(new Error('the code is not the authorized one'));
      })
      .catch(reject);
  });
}

async function apply() {
  const api = await ApiPromise.create({ provider: new WsProvider(options.url), noInitWarn: true });
  try {
    const block = await submit(api);
    const header = await api.rpc.chain.getHeader(block);
    const version = async (at) => (await api.rpc.state.getRuntimeVersion(at)).specVersion.toNumber();
    // The block was still made by the runtime before; what it leaves is for the next one.
    const disputes = await (await api.at(block)).query.pouw.disputes.entries();
    writeFileSync(
      options.result,
      JSON.stringify({
        block: header.number.toNumber(),
        from: await version(header.parentHash),
        to: await version(block),
        open: disputes
          .filter(([, dispute]) => dispute.unwrap().provenWrong.isNone)
          .map(([key]) => key.args[0].toNumber()),
      }),
    );
  } finally {
    await api.disconnect();
  }
}

try {
  if (command === 'apply') await apply();
  else console.log(JSON.stringify(authorize(JSON.parse(readFileSync(0, 'utf8')))));
} catch (error) {
  console.error(`upgrade: ${error.message}`);
  process.exitCode = 1;
}
