-- What Prompt Lab keeps in a Supabase database beside the agent's own tables. It may be run again.
-- `prompt-lab` makes the same by itself where it is given the database's address.

create table if not exists public.observability_traces (
    trace_id text primary key,
    created_at timestamptz not null default now(),
    channel text not null default '',
    channel_user_id text not null default '',
    user_message text not null default '',
    final_message text not null default '',
    payload jsonb not null default '{}'
);
alter table public.observability_traces add column if not exists session_id text not null default '';

create table if not exists public.trace_feedback (
    trace_id text not null,
    channel_user_id text not null default '',
    thumb text not null check (thumb in ('up', 'down')),
    comment text not null default '',
    created_at timestamptz not null default now(),
    primary key (trace_id, channel_user_id)
);

create table if not exists public.optimization_sessions (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    status text not null default 'pending',
    window_hours double precision not null default 24,
    trace_count integer not null default 0,
    analysis_text text not null default '',
    action_items jsonb not null default '[]',
    pending_item_ids integer[] not null default '{}',
    channel_user_id text not null default '',
    notified_at timestamptz
);
alter table public.optimization_sessions add column if not exists details jsonb;

create table if not exists public.agent_config (
    key text primary key,
    value jsonb not null
);

create index if not exists observability_traces_by_time
    on public.observability_traces (created_at, trace_id);
create index if not exists observability_traces_by_user
    on public.observability_traces (channel_user_id);
create index if not exists trace_feedback_by_time on public.trace_feedback (created_at);
create index if not exists trace_feedback_by_user on public.trace_feedback (channel_user_id);
create index if not exists optimization_sessions_by_time
    on public.optimization_sessions (created_at);

-- Only the service role reads and writes these: no policy grants anyone else anything.
alter table public.observability_traces enable row level security;
alter table public.trace_feedback enable row level security;
alter table public.optimization_sessions enable row level security;
alter table public.agent_config enable row level security;
