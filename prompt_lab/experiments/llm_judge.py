"""Judgements: ask the step's judge which side's answer is better, once in each order."""

from collections.abc import Sequence
from concurrent.futures import as_completed
from functools import partial

from prompt_lab.clock import utc_now
from prompt_lab.errors import CallRefused, LabError, TransientError
from prompt_lab.evaluate.judged import JudgedLook, content_of, contests
from prompt_lab.evaluate.llm_judge import JudgePrompt
from prompt_lab.evaluate.questions import Judge, JudgeQuestion, settle_contest
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import rows_now, texts
from prompt_lab.experiments.make_runs import CircuitBreaker
from prompt_lab.experiments.meter import Meter
from prompt_lab.experiments.needs import JudgementsNeeded
from prompt_lab.experiments.trials import read_judgements, trial_of
from prompt_lab.ports.call_pool import CallPool
from prompt_lab.records import RunRow
from prompt_lab.report.progress import Progress, ReportProgress
from prompt_lab.store.batch import Batch, batch_path, read_batch
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import read_meta
from prompt_lab.store.journal import JudgeAnswer, answers_by_key, keep_answer


def judgements_file(batch: str, look: int) -> str:
    """The name of the file with the judgements up to a look."""
    return f"judged_{batch}_{look}.json"


def is_judged(experiment: Experiment, batch: str, look: int, content: str) -> bool:
    """Whether these very answers were compared; `content` is the beginning of their digest."""
    found = read_if_whole(experiment.folder / judgements_file(batch, look), JudgedLook)
    return found is not None and found.content.startswith(content)


def judge_look(
    experiment: Experiment,
    batch: str,
    look: int,
    *,
    on_progress: ReportProgress | None = None,
) -> None:
    """Ask the judge about pairs without a judgement, and record each pair's result up to a look.

    Raises TransientError if any answer could not be had, LabError where none can be used.
    """
    context, judge = experiment.context, _judge_of(experiment)
    planned = read_batch(batch_path(context.lab, experiment.number, experiment.step, batch))
    found = contests(_rows_up_to(experiment, planned, look))
    inputs = texts(experiment, {contest.cell.plan for contest in found}, split=planned.split)
    asked = [judge.questions(one, inputs[one.cell.plan].inputs) for one in found]
    questions = [question for several in asked for question in several]
    _ask_all(experiment, judge, batch, questions, on_progress)
    answers = answers_by_key(context.lab)
    primary = context.step(experiment.step).primary
    judgements = tuple(
        settle_contest(one, several, answers, primary)
        for one, several in zip(found, asked, strict=True)
    )
    if any(asked) and not any(one.old_first or one.new_first for one in judgements):
        raise LabError(_no_verdict_line(experiment, judge))
    record = JudgedLook(
        batch=batch,
        look=look,
        judge=judge.model.alias,
        content=content_of(found),
        judgements=judgements,
    )
    experiment.write(judgements_file(batch, look), record.model_dump_json(indent=2) + "\n")


def _judge_of(experiment: Experiment) -> Judge:
    """The judge as recorded when the iteration was prepared, with its model's current config."""
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    if meta.judge is None:
        raise LabError(
            f"{experiment.folder}: was prepared without a judge, so there is none to ask."
        )
    [model] = experiment.context.select_models([meta.judge.model])
    prompt = JudgePrompt(meta.judge_prompt, meta.judge.criteria, meta.judge.max_tokens)
    return Judge(model, prompt)


def _rows_up_to(experiment: Experiment, batch: Batch, look: int) -> list[RunRow]:
    """The finished runs of the plans up to the look."""
    rows = rows_now(experiment, batch)
    if not look:
        return rows
    trial = trial_of(experiment)
    plans = set(trial.plans[: trial.design.counts[look - 1]])
    return [row for row in rows if row.record.plan in plans]


def _ask_all(
    experiment: Experiment,
    judge: Judge,
    batch: str,
    questions: Sequence[JudgeQuestion],
    on_progress: ReportProgress | None,
) -> None:
    """Ask for the missing judgements. Raises TransientError if any answer could not be had."""
    known = answers_by_key(experiment.context.lab)
    left = list({q.key: q for q in questions if q.key not in known}.values())
    if not left:
        return
    title = f"iteration {experiment.number}, {batch} judgements"
    breaker, faults = CircuitBreaker(), list[str]()
    pool = CallPool[str | None](judge.model.workers, "judge")
    try:
        with Progress(title, len(left), on_progress) as progress:
            futures = [
                pool.submit(partial(_answer, experiment, judge, (batch, one), breaker))
                for one in left
            ]
            for future in as_completed(futures):
                fault = future.result()
                progress.record_end(ok=fault is None)
                faults += [fault] if fault else []
    finally:
        pool.close()
    if faults:
        raise TransientError(
            f"{len(faults)} of {len(left)} judgements failed; the finished ones are kept, and "
            "the same command asks for the rest.\n" + "\n".join(sorted(set(faults))[:5])
        )


def _answer(
    experiment: Experiment,
    judge: Judge,
    item: tuple[str, JudgeQuestion],
    breaker: CircuitBreaker,
) -> str | None:
    """Ask once and store the answer. Returns the reason if there is none, else None."""
    alias, (batch, question) = judge.model.alias, item
    fault = breaker.refusal(alias)
    if fault is not None:
        return fault
    llm = experiment.context.sdk_llm(alias, "llm_judge", fixed=judge.prompt.template)
    meter, text, refusal = Meter(llm, judge.model), "", ""
    try:
        text = meter.ask(question.request).text
    except CallRefused as error:
        refusal = str(error)
    except LabError as error:
        breaker.record(alias, failed=True)
        return f"  {alias}: {error}"
    breaker.record(alias, failed=False)
    answer = JudgeAnswer(
        timestamp=utc_now(),
        key=question.key,
        iteration=experiment.number,
        step=experiment.step,
        batch=batch,
        judge=alias,
        answered_by=meter.answered_by(),
        **question.contest.cell._asdict(),
        candidate_first=question.candidate_first,
        answer=text,
        error=refusal,
        usage=meter.usage(),
    )
    keep_answer(experiment.context.lab, answer)
    return None


def _no_verdict_line(experiment: Experiment, judge: Judge) -> str:
    context = experiment.context
    return (
        f"Judge {judge.model.alias!r} ended none of its answers with one verdict line, so "
        f"nothing is decided; they are kept in {context.lab.judgements}. Fix the model in "
        f"{context.files.place('models')}. For another judge or another prompt: prompt-lab "
        f"give-up --number {experiment.number}; the next iteration uses the same runs again."
    )


def judgements_needed(
    experiment: Experiment, batch: str, rows: Sequence[RunRow], look: int
) -> JudgementsNeeded | None:
    """The request to the judge, if there is a judge and any of these runs has no judgement yet."""
    known, found = read_judgements(experiment, batch), contests(rows)
    if known is None or all((one.cell, one.answers) in known for one in found):
        return None
    return JudgementsNeeded(batch, look, content_of(found)[:12])
