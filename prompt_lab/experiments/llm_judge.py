"""Judgements: ask the step's judge which side's answer is better, both ways round, once each."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import luigi

from pipeline.progress import Progress
from pipeline.tasks.base import Phase, utc_now
from pipeline.tasks.parameters import WholeParameter
from prompt_lab.errors import CallRefused, LabError, TransientError
from prompt_lab.evaluate.judged import JudgedLook, content_of, contests
from prompt_lab.evaluate.llm_judge import JudgePrompt
from prompt_lab.evaluate.questions import Judge, JudgeQuestion, settle_contest
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import rows_now, texts
from prompt_lab.experiments.make_runs import Breaker
from prompt_lab.experiments.meter import Meter
from prompt_lab.experiments.trials import read_judgements, trial_of
from prompt_lab.names import Split
from prompt_lab.records import RunRow
from prompt_lab.store.batch import Batch, batch_path, read_batch
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import read_meta
from prompt_lab.store.journal import JudgeAnswer, answers_by_key, keep_answer


class Judgements(Phase):
    """The pairs of a batch up to one look, settled. Writes judged_<batch>_<look>.json."""

    batch = luigi.Parameter(default=Split.TRAIN.value, description="train, verify or since_start")
    look = WholeParameter(
        "--look", default=1, description="up to which look of the trial; 0: all plans"
    )
    content = luigi.Parameter(default="", description="digest of the answers that are compared")

    @property
    def FILE(self) -> str:  # type: ignore[override]
        """One file for each look."""
        return f"judged_{self.batch}_{self.look}.json"

    def complete(self) -> bool:
        """Whether these very answers were compared."""
        found = read_if_whole(self.folder / self.FILE, JudgedLook)
        return found is not None and found.content.startswith(self.content)

    def work(self) -> None:
        """Ask what was never asked; write down how each pair was settled."""
        judge = self._judge()
        batch = read_batch(batch_path(self.context.lab, self.number, self.step, self.batch))
        found = contests(self._rows(batch))
        inputs = texts(self, {contest.cell.plan for contest in found}, split=batch.split)
        asked = [judge.questions(one, inputs[one.cell.plan].inputs) for one in found]
        self._ask(judge, [question for questions in asked for question in questions])
        answers = answers_by_key(self.context.lab)
        primary = self.context.step(self.step).primary
        pairs = zip(found, asked, strict=True)
        judgements = tuple(
            settle_contest(one, questions, answers, primary) for one, questions in pairs
        )
        if any(asked) and not any(one.old_first or one.new_first for one in judgements):
            raise LabError(self._silent(judge))
        record = JudgedLook(
            batch=self.batch,
            look=self.look,
            judge=judge.model.alias,
            content=content_of(found),
            judgements=judgements,
        )
        self.write(record.model_dump_json(indent=2) + "\n")

    def _judge(self) -> Judge:
        """The judge as it was when the iteration was prepared; its model as it is now."""
        meta = read_meta(self.context.lab, self.number, self.step)
        if meta.judge is None:
            raise LabError(f"{self.folder}: was prepared without a judge, so there is none to ask.")
        [model] = self.context.select_models([meta.judge.model])
        prompt = JudgePrompt(meta.judge_prompt, meta.judge.criteria, meta.judge.max_tokens)
        return Judge(model, prompt)

    def _rows(self, batch: Batch) -> list[RunRow]:
        """The finished runs of the plans up to the look."""
        rows = rows_now(self, batch)
        if not self.look:
            return rows
        trial = trial_of(self)
        plans = set(trial.plans[: trial.design.counts[self.look - 1]])
        return [row for row in rows if row.record.plan in plans]

    def _ask(self, judge: Judge, questions: Sequence[JudgeQuestion]) -> None:
        """Ask what has no answer yet. Raises OutsideFailure if any answer could not be had."""
        known = answers_by_key(self.context.lab)
        left = list({q.key: q for q in questions if q.key not in known}.values())
        if not left:
            return
        breaker, faults = Breaker(), list[str]()
        pool = ThreadPoolExecutor(judge.model.workers, "judge")
        try:
            with Progress(f"iteration {self.number}, {self.batch} judgements", len(left)) as shown:
                futures = [pool.submit(self._answer, judge, one, breaker) for one in left]
                for future in as_completed(futures):
                    fault = future.result()
                    shown.record_end(ok=fault is None)
                    faults += [fault] if fault else []
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if faults:
            raise TransientError(
                f"{len(faults)} of {len(left)} judgements could not be had; those that were are "
                "kept, and the same command asks for the rest.\n"
                + "\n".join(sorted(set(faults))[:5])
            )

    def _answer(self, judge: Judge, question: JudgeQuestion, breaker: Breaker) -> str | None:
        """Ask once and keep the answer at once; why there is none, or None."""
        alias = judge.model.alias
        fault = breaker.refuses(alias)
        if fault is not None:
            return fault
        meter, text, refusal = Meter(self.context.llm(alias), judge.model), "", ""
        try:
            text = meter.ask(question.request).text
        except CallRefused as error:
            refusal = str(error)
        except LabError as error:
            breaker.note(alias, failed=True)
            return f"  {alias}: {error}"
        breaker.note(alias, failed=False)
        answer = JudgeAnswer(
            timestamp=utc_now(),
            key=question.key,
            iteration=self.number,
            step=self.step,
            batch=self.batch,
            judge=alias,
            answered_by=meter.answered_by(),
            **question.contest.cell._asdict(),
            candidate_first=question.candidate_first,
            answer=text,
            error=refusal,
            usage=meter.usage(),
        )
        keep_answer(self.context.lab, answer)
        return None

    def _silent(self, judge: Judge) -> str:
        return (
            f"Judge {judge.model.alias!r} ended none of its answers with one verdict line, so "
            f"nothing is decided; they are kept in {self.context.lab.judgements}. Mend the model in "
            f"{self.context.configs / 'models'}. For another judge or another prompt, move "
            f"{self.folder} out of the lab: the same runs are then used again."
        )


def left_to_judge(
    experiment: Experiment, batch: str, rows: Sequence[RunRow], look: int
) -> list[luigi.Task]:
    """The task that judges these runs, if there is a judge and any of them is not judged yet."""
    known, found = read_judgements(experiment, batch), contests(rows)
    if known is None or all((one.cell, one.answers) in known for one in found):
        return []
    content = content_of(found)[:12]
    return [experiment.clone_as(Judgements, batch=batch, look=look, content=content)]
