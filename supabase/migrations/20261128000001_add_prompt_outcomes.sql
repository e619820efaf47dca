-- The outcome log of prompts that Prompt Lab prepared (docs/promptops.md). It may be run again.

create table if not exists public.prompt_outcomes (
    trace text primary key,
    called_at timestamptz not null,
    version integer not null default 1,
    prompt_id text,
    task_class text,
    variant text,
    snapshot text,
    arm text,
    unit text,
    model text,
    success boolean,
    score double precision check (score between 0 and 1),
    parsed boolean,
    schema_ok boolean,
    confidence double precision check (confidence between 0 and 1),
    grounding double precision check (grounding between 0 and 1),
    source_count integer,
    feedback text check (feedback in ('up', 'down')),
    latency_ms double precision,
    cost_usd double precision,
    question text,
    sources jsonb,
    answer text,
    expected jsonb,
    error text
);
create index if not exists prompt_outcomes_by_time on public.prompt_outcomes (called_at, trace);
create index if not exists prompt_outcomes_by_prompt on public.prompt_outcomes (prompt_id, called_at, trace);
create index if not exists prompt_outcomes_by_unit on public.prompt_outcomes (unit);

alter table public.prompt_outcomes enable row level security;
