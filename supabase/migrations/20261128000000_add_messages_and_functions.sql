-- Messages of the agent's channel, and the functions that Prompt Lab calls over the REST API: there a
-- table is cut at 1,000 rows and aggregates are off. It may be run again.

create table if not exists public.messages (
    created_at timestamptz not null default now(),
    channel text not null default '',
    channel_user_id text not null default '',
    role text not null default '',
    content text not null default ''
);
alter table public.messages add column if not exists created_at timestamptz default now();
alter table public.messages add column if not exists channel text not null default '';
alter table public.messages add column if not exists channel_user_id text not null default '';
alter table public.messages add column if not exists role text not null default '';
alter table public.messages add column if not exists content text not null default '';
alter table public.messages add column if not exists trace_id text not null default '';
alter table public.messages add column if not exists channel_message_id text;
create unique index if not exists messages_by_channel_message on public.messages (channel_message_id);
create index if not exists messages_by_time on public.messages (created_at);
create index if not exists messages_by_user on public.messages (channel_user_id);
alter table public.messages enable row level security;

-- Pages by keyset: the caller passes the last row's time and id, and asks until a page is empty.
create or replace function public.prompt_lab_read_traces(
    start_time timestamptz, end_time timestamptz, after_time timestamptz, after_id text, page_size integer
) returns setof public.observability_traces
language sql stable set search_path = '' as $$
    select t.* from public.observability_traces t
    where t.created_at >= greatest(start_time, after_time) and t.created_at < end_time
        and (after_time is null or (t.created_at, t.trace_id) > (after_time, after_id))
    order by t.created_at, t.trace_id
    limit page_size
$$;

create or replace function public.prompt_lab_read_feedback(
    start_time timestamptz, end_time timestamptz, after_time timestamptz, after_id text,
    after_user text, page_size integer
) returns setof public.trace_feedback
language sql stable set search_path = '' as $$
    select f.* from public.trace_feedback f
    where f.created_at >= greatest(start_time, after_time) and f.created_at < end_time
        and (after_time is null
            or (f.created_at, f.trace_id, f.channel_user_id) > (after_time, after_id, after_user))
    order by f.created_at, f.trace_id, f.channel_user_id
    limit page_size
$$;

-- Rows of other writers have no id that is known here: the hash of the row orders those of one time.
create or replace function public.prompt_lab_read_messages(
    start_time timestamptz, end_time timestamptz, after_time timestamptz, after_hash text,
    page_size integer
) returns table (
    created_at timestamptz, channel text, channel_user_id text, role text, content text,
    trace_id text, channel_message_id text, row_hash text
)
language sql stable set search_path = '' as $$
    select m.created_at::timestamptz, m.channel::text, m.channel_user_id::text, m.role::text, m.content::text,
        m.trace_id::text, m.channel_message_id::text, md5(m::text)
    from public.messages m
    where m.created_at >= greatest(start_time, after_time) and m.created_at < end_time
        and (after_time is null or (m.created_at, md5(m::text)) > (after_time, after_hash))
    order by m.created_at, md5(m::text)
    limit page_size
$$;

create or replace function public.prompt_lab_count_traces(
    start_time timestamptz, end_time timestamptz
) returns bigint
language sql stable set search_path = '' as $$
    select count(*) from public.observability_traces t
    where t.created_at >= start_time and t.created_at < end_time
$$;

create or replace function public.prompt_lab_find_ids(
    user_id text, before_time timestamptz, after_id text, page_size integer
) returns setof text
language sql stable set search_path = '' as $$
    select t.trace_id from public.observability_traces t
    where (user_id = '' or t.channel_user_id = user_id)
        and (before_time is null or t.created_at < before_time)
        and t.trace_id > after_id
    order by t.trace_id
    limit page_size
$$;

create or replace function public.prompt_lab_usage_by_version(
    start_time timestamptz, end_time timestamptz
) returns table (
    prompt_version text, sessions bigint, traces bigint, cost_usd double precision,
    input_tokens bigint, output_tokens bigint, failed_tools bigint, tool_calls bigint,
    thumbs_up bigint, thumbs_down bigint, first_at timestamptz, last_at timestamptz
)
language sql stable set search_path = '' as $$
    select
        coalesce(t.payload ->> 'prompt_version', ''),
        count(distinct coalesce(nullif(t.session_id, ''), t.trace_id)),
        count(*),
        coalesce(sum((t.payload -> 'summary' ->> 'total_cost_usd')::numeric), 0)::double precision,
        coalesce(sum((t.payload -> 'summary' ->> 'total_input_tokens')::numeric), 0)::bigint,
        coalesce(sum((t.payload -> 'summary' ->> 'total_output_tokens')::numeric), 0)::bigint,
        coalesce(sum(tools.failed), 0)::bigint,
        coalesce(sum(tools.calls), 0)::bigint,
        coalesce(sum(thumbs.up), 0)::bigint,
        coalesce(sum(thumbs.down), 0)::bigint,
        min(t.created_at),
        max(t.created_at)
    from public.observability_traces t
    cross join lateral (
        select count(*) as calls, count(*) filter (where e ->> 'success' = 'false') as failed
        from jsonb_array_elements(coalesce(t.payload -> 'events', '[]')) e
        where e ->> 'type' = 'tool_result'
    ) tools
    cross join lateral (
        select count(*) filter (where f.thumb = 'up') as up,
            count(*) filter (where f.thumb = 'down') as down
        from public.trace_feedback f where f.trace_id = t.trace_id
    ) thumbs
    where t.created_at >= start_time and t.created_at < end_time
    group by 1
    order by 11, 1
$$;

create or replace function public.prompt_lab_erase_user(user_id text) returns text[]
language sql set search_path = '' as $$
    with gone as (
        delete from public.observability_traces where channel_user_id = user_id returning trace_id
    ), thumbs as (
        delete from public.trace_feedback
        where channel_user_id = user_id or trace_id in (select trace_id from gone)
    ), said as (
        delete from public.messages
        where channel_user_id::text = user_id or trace_id::text in (select trace_id from gone)
    ), sent as (
        update public.optimization_sessions set channel_user_id = '' where channel_user_id = user_id
    )
    select coalesce(array_agg(trace_id), '{}') from gone
$$;

-- Of the messages only those that Prompt Lab wrote go: the agent's own rows are its memory.
create or replace function public.prompt_lab_erase_before(before_time timestamptz) returns bigint
language sql set search_path = '' as $$
    with gone as (
        delete from public.observability_traces where created_at < before_time returning trace_id
    ), thumbs as (
        delete from public.trace_feedback f
        where f.trace_id in (select trace_id from gone) or not exists (
            select 1 from public.observability_traces t where t.trace_id = f.trace_id
        )
    ), said as (
        delete from public.messages where created_at < before_time and channel_message_id is not null
    )
    select count(*) from gone
$$;

-- Every role may call a new function unless this is taken away; only the service role is given it.
do $$
declare
    one regprocedure;
    role_name text;
begin
    for one in
        select p.oid::regprocedure from pg_catalog.pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.proname like 'prompt\_lab\_%'
    loop
        execute format('revoke all on function %s from public', one);
        for role_name in
            select r.rolname from pg_catalog.pg_roles r
            where r.rolname in ('anon', 'authenticated')
        loop
            execute format('revoke all on function %s from %I', one, role_name);
        end loop;
        if exists (select 1 from pg_catalog.pg_roles r where r.rolname = 'service_role') then
            execute format('grant execute on function %s to service_role', one);
        end if;
    end loop;
end
$$;

notify pgrst, 'reload schema';
