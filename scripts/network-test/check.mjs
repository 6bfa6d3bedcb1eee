// Checks what a network test's task has cost whom, to the last unit, by the events that `follow-task.mjs` wrote.
//
// usage: node check.mjs EVENTS --wrong ADDRESS --loser Defender|Challenger [--timed-out] [--score] [--attestation]
//          [--bribed ADDRESS]…
//
// --wrong is who does wrong and has to lose each dispute that has a loser, as the party --loser, by proof or,
// with --timed-out, by the clock. With --score it is an evaluator, with --attestation a
// supervisor that has not shown what was demanded (there is no dispute then), else a trainer or a verifier. --bribed are verifiers that approve whatever they are asked about.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    wrong: { type: 'string' },
    loser: { type: 'string' },
    'timed-out': { type: 'boolean', default: false },
    score: { type: 'boolean', default: false },
    attestation: { type: 'boolean', default: false },
    bribed: { type: 'string', multiple: true, default: [] },
  },
});
const { wrong, loser, bribed } = options;
const timedOut = String(options['timed-out']);
const lines = readFileSync(positionals[0], 'utf8').trim().split('\n');
const { summary } = JSON.parse(lines.at(-1));

const check = (holds, what) => {
  console.log(`network test: ${holds ? 'holds' : 'DOES NOT HOLD'}: ${what}`);
  if (!holds) process.exitCode = 1;
};
const amount = (value) => BigInt(value);
const total = (values) => values.map(amount).reduce((a, b) => a + b, 0n);
const half = (whole) => whole / 2n;
const same = (one, other) => JSON.stringify([...one].sort()) === JSON.stringify([...other].sort());

// "#BLOCK section.Name field=value …"
const events = lines.flatMap((line) => {
  const [, block, name, rest] = line.match(/^#(\d+) (\S+) ?(.*)$/) ?? [];
  if (!name) return [];
  const fields = Object.fromEntries(
    [...rest.matchAll(/(\w+)=(\S*)/g)].map(([, field, value]) => [field, value]),
  );
  return [{ block: Number(block), name, ...fields }];
});
const of = (name, fields = {}) =>
  events.filter(
    (event) =>
      event.name === name && Object.entries(fields).every(([field, value]) => event[field] === value),
  );
const amounts = (found) => found.map((event) => event.amount);
const on = (block, found) => found.filter((event) => event.block === block);
const CHALLENGE = '{"pouw":"Challenge"}';
const DEMAND = '{"pouw":"Demand"}';
const TICKET = '{"tickets":"Ticket"}';
const TRAINER_BOND = '{"mlTasks":"TrainerBond"}';
const FEE = '{"mlTasks":"Fee"}';
const CLIENT_BOND = '{"mlTasks":"ClientBond"}';

/** What was on hold of a ticket: its price without what it was fined. */
function stake(owner) {
  const fined = total(amounts(of('tickets.TicketFined', { owner })));
  return total(of('tickets.TicketBought', { owner }).map((bought) => bought.price)) - fined;
}

/** Money on hold of one that passed to another in a block. */
function passed(block, reason, source, dest) {
  return amounts(on(block, of('balances.TransferOnHold', { reason, source, dest }))).map(amount);
}

function checkDisputes() {
  const ended = of('pouw.DisputeEnded');
  const opened = ended.map((end) => of('pouw.DisputeOpened', { dispute: end.dispute })[0]);
  const party = loser === 'Defender' ? 'defender' : 'challenger';
  const so = ended.filter((end) => end.timedOut === timedOut).length;
  // Nobody makes a move by chance, but a slow machine may let the clock decide.
  check(
    so > 0 && (!options['timed-out'] || so === ended.length),
    `of ${of('pouw.DisputeOpened').length} disputes ${ended.length} have a loser, ${so} ` +
      (options['timed-out'] ? 'by the clock' : 'by proof'),
  );
  check(
    ended.every((end) => end.loser === loser) && opened.every((open) => open[party] === wrong),
    `in each it is the ${party}, who did wrong`,
  );
  if (options.score) checkEvaluator(ended);
  else if (loser === 'Defender') checkTrainer(ended);
  else for (const [at, end] of ended.entries()) checkChallenge(end, opened[at]);
}

/** The trainer loses its ticket and its bond, once, and every refuted commitment. */
function checkTrainer(ended) {
  const refuted = of('pouw.CommitmentRefuted');
  check(
    same(
      ended.map((end) => `${end.block} ${end.round} ${end.slot}`),
      refuted.map((end) => `${end.block} ${end.round} ${end.slot}`),
    ) && refuted.every(({ trainer }) => trainer === wrong),
    `${refuted.length} times its commitment does not stand any more`,
  );
  // Several may win; a ticket can be taken only once.
  const [first, ...others] = refuted;
  if (!first) return;
  const slashed = amount(first.slashed);
  check(
    slashed > 0n && slashed === stake(wrong) && others.every((other) => amount(other.slashed) === 0n),
    `the trainer's ticket of ${slashed} was slashed, once`,
  );
  check(
    passed(first.block, TICKET, wrong, first.challenger).includes(half(slashed)) &&
      amount(first.burned) === slashed - half(slashed) &&
      others.every((other) => amount(other.burned) === 0n),
    `${half(slashed)} of it went to the first that has won, ${first.burned} were burned`,
  );
  const bond = total(of('mlTasks.AssignmentAccepted', { account: wrong }).map((seat) => seat.bond));
  const taken = of('mlTasks.BondSlashed', { account: wrong });
  const shared = total(amounts(of('balances.TransferOnHold', { reason: TRAINER_BOND, source: wrong })));
  check(
    taken.length === 1 && bond > 0n && amount(taken[0].amount) === bond,
    `the trainer's bond of ${bond} was slashed, once`,
  );
  check(
    shared === bond - total(taken.map(({ burned }) => burned)) && shared <= half(bond),
    `${shared} of it went to those who have lost rounds, the rest was burned`,
  );
}

/** The evaluator loses its ticket, once, and has no part in the score that counts. */
function checkEvaluator(ended) {
  const refuted = of('pouw.ScoreRefuted');
  check(
    refuted.length > 0 && refuted.every(({ evaluator }) => evaluator === wrong),
    `the score of one evaluator does not stand any more`,
  );
  const [first, ...others] = refuted;
  if (!first) return;
  const slashed = amount(first.slashed);
  check(
    slashed > 0n && slashed === stake(wrong) && others.every((other) => amount(other.slashed) === 0n),
    `the evaluator's ticket of ${slashed} was slashed, once`,
  );
  check(
    ended.some((end) => end.block === first.block) &&
      passed(first.block, TICKET, wrong, first.challenger).includes(half(slashed)) &&
      amount(first.burned) === slashed - half(slashed),
    `${half(slashed)} of it went to the first that has won, ${first.burned} were burned`,
  );
  const agreed = of('mlTasks.EvaluationAgreed');
  const [before, after] = [agreed[0], agreed.at(-1)];
  check(
    agreed.length === 2 && before.score !== after.score && before.block < first.block && first.block < after.block,
    `others have scored the model anew: ${before?.score} became ${after?.score}`,
  );
}

/** The supervisor loses its ticket, half of it to who had demanded; that one has its bond back. */
function checkSupervisor() {
  const refuted = of('pouw.AttestationRefuted');
  const [first] = refuted;
  check(
    refuted.length === 1 && first.supervisor === wrong && of('pouw.DisputeOpened').length === 0,
    'one supervisor has not shown what was demanded, and nothing was disputed',
  );
  if (!first) return;
  const slashed = amount(first.slashed);
  check(
    slashed > 0n && slashed === stake(wrong) &&
      passed(first.block, TICKET, wrong, first.demander).includes(half(slashed)) &&
      amount(first.burned) === slashed - half(slashed),
    `its ticket of ${slashed} was slashed: ${half(slashed)} went to who had demanded, ${first.burned} were burned`,
  );
  const held = amounts(of('balances.Held', { reason: DEMAND, who: first.demander }));
  const back = amounts(of('balances.Released', { reason: DEMAND, who: first.demander }));
  check(total(held) > 0n && total(held) === total(back), `the bond of ${total(held)} was given back`);
}

/** The challenger loses its bond, half of it to the trainer. */
function checkChallenge(end, opened) {
  const bond = amount(opened.bond);
  const burned = amounts(
    on(end.block, of('balances.BurnedHeld', { reason: CHALLENGE, who: opened.challenger })),
  );
  check(
    passed(end.block, CHALLENGE, opened.challenger, opened.defender).includes(half(bond)) &&
      burned.map(amount).includes(bond - half(bond)),
    `dispute ${end.dispute}: of the bond of ${bond}, ${half(bond)} went to the trainer, the rest was burned`,
  );
}

/** Who has approved what was proven wrong loses its ticket, all of it burned; nobody else does. */
function checkTickets() {
  const slashed = of('pouw.VerifierSlashed');
  check(
    same(new Set(slashed.map(({ verifier }) => verifier)), bribed),
    `${bribed.length} verifiers were slashed for what they have approved`,
  );
  for (const verifier of bribed) {
    const taken = total(of('pouw.VerifierSlashed', { verifier }).map((event) => event.slashed));
    const tickets = of('tickets.TicketSlashed', { owner: verifier });
    check(
      tickets.length === 1 &&
        taken === stake(verifier) &&
        amount(tickets[0].amount) === taken &&
        amount(tickets[0].burned) === taken,
      `its ticket of ${taken} was taken and burned`,
    );
  }
  const losers = loser === 'Defender' ? [wrong] : [];
  const trainers = options.score || options.attestation ? [] : losers;
  check(
    same(of('tickets.TicketSlashed').map(({ owner }) => owner), [...losers, ...bribed]) &&
      same(of('mlTasks.BondSlashed').map(({ account }) => account), trainers) &&
      of('mlTasks.ClientBondForfeited').length === 0,
    'nobody else has lost a ticket or a bond',
  );
}

function checkFee() {
  const { paid, refunded, burned, fee, client } = summary;
  const all = [paid.trainers, paid.verifiers, paid.supervisors, paid.evaluators];
  check(total([...all, refunded, burned]) === amount(fee), 'paid + refunded + burned = fee');
  const payments = of('balances.TransferOnHold', { reason: FEE, source: client });
  check(total(amounts(payments)) === total(all), `${total(all)} of the fee have arrived at workers`);
  check(amount(paid.trainers) > 0n, 'the honest trainers are paid');
  check(
    payments.every(({ dest }) => dest !== wrong && !bribed.includes(dest)),
    'who did wrong is paid nothing',
  );
  for (const reason of [FEE, CLIENT_BOND, TRAINER_BOND, CHALLENGE, DEMAND]) {
    const ended = [
      ...of('balances.Released', { reason }),
      ...of('balances.BurnedHeld', { reason }),
      ...of('balances.TransferOnHold', { reason }),
    ];
    const held = total(amounts(of('balances.Held', { reason })));
    check(total(amounts(ended)) === held, `of ${held} held for ${reason} nothing is left`);
  }
}

function checkOutcome() {
  check(summary.segments.accepted > 0, 'segments were accepted');
  const [right, rows] = summary.accuracy;
  const required = summary.requiredAccuracy;
  check(
    right * 1_000_000 >= required * rows,
    `at least ${required / 10_000} % right: ${right} of ${rows}`,
  );
}

if (options.attestation) checkSupervisor();
else checkDisputes();
checkTickets();
checkFee();
checkOutcome();
