"""A stand-in of PostgREST as Supabase serves it: real HTTP on a real PostgreSQL.

It cuts answers at `most_rows` without a word, refuses aggregates, acts as the role of the key, and
fails with the codes of the service (https://docs.postgrest.org/en/stable/references/errors.html).
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg
from psycopg import sql

from tests.loopback import Loopback
from tests.postgres import new_database

KEY = "sb_secret_0123456789abcdef_service"
ANON = "sb_publishable_0123456789abcdef"
MIGRATIONS = Path(__file__).parents[3] / "supabase" / "migrations"
_ROLES = {KEY: "service_role", ANON: "anon"}
_OPERATORS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_STATUSES = {"23505": 409, "23503": 409, "42501": 403, "42P01": 404, "57014": 500}
Reply = tuple[int, Any]


class PostgrestServer:
    """`failures`: what happens to the next requests: a status, 'lost' before or 'drop' after it."""

    def __init__(self, url: str, *, most_rows: int = 1000) -> None:
        self.url = url
        self.most_rows = most_rows
        self.failures: list[int | str] = []
        self.requests: list[str] = []
        self._database = psycopg.connect(url, autocommit=True)
        self._lock = threading.Lock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with stand_in._lock:
                    reply = stand_in.serve(self, body)
                if reply is None:
                    self.close_connection = True
                    return
                data = json.dumps(reply[1]).encode()
                self.send_response(reply[0])
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve

            def log_message(self, *args: object) -> None:
                pass

        self.server = Loopback(Handler)

    @property
    def environment(self) -> dict[str, str]:
        return {"SUPABASE_URL": self.server.address, "SUPABASE_SERVICE_ROLE_KEY": KEY}

    def serve(self, request: BaseHTTPRequestHandler, body: bytes) -> Reply | None:
        """The answer, or None where the connection is dropped."""
        place = urlsplit(request.path)
        self.requests.append(f"{request.command} {place.path.removeprefix('/rest/v1/')}")
        key = request.headers.get("apikey") or ""
        if key not in _ROLES or request.headers.get("authorization") != f"Bearer {key}":
            # A service that repeats what it was sent: no message may hold it.
            return 401, {"message": f"Invalid API key {key}", "hint": "Double check your API key."}
        fault = self.failures.pop(0) if self.failures else ""
        if fault == "lost":
            return None
        if isinstance(fault, int):
            code = {503: "PGRST002", 406: "PGRST106", 401: "PGRST301"}.get(fault, "XX000")
            return fault, {
                "code": code,
                "message": f"failed for {key}",
                "details": "a row",
                "hint": None,
            }
        path = place.path.removeprefix("/rest/v1/")
        query = parse_qsl(place.query, keep_blank_values=True)
        prefer = request.headers.get("prefer") or ""
        try:
            with self._database.transaction():
                connection = self._database
                role = sql.Identifier(_ROLES[key])
                connection.execute(sql.SQL("SET LOCAL ROLE {}").format(role))
                connection.execute("SET LOCAL TIME ZONE 'UTC'")
                answer = self._answer(connection, request.command, path, query, prefer, body)
        except psycopg.Error as error:
            state = error.sqlstate or "XX000"
            message = str(error).splitlines()[0]
            answer = _STATUSES.get(state, 400), {"code": state, "message": message, "details": None}
        return None if fault == "drop" else answer

    def _answer(
        self,
        connection: psycopg.Connection[Any],
        method: str,
        path: str,
        query: list[tuple[str, str]],
        prefer: str,
        body: bytes,
    ) -> Reply:
        if path.startswith("rpc/"):
            return self._call(connection, path.removeprefix("rpc/"), json.loads(body))
        names = connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s",
            [path],
        ).fetchall()
        columns = {name for (name,) in names}
        if not columns:
            found = f"Could not find the table 'public.{path}' in the schema cache"
            return 404, {"code": "PGRST205", "message": found}
        asked = dict(query)
        select = [one for one in asked.get("select", "*").split(",") if one]
        if any(re.search(r"\(\)$", one) for one in select):
            return 400, {"code": "PGRST123", "message": "Use of aggregate functions is not allowed"}
        if method == "GET":
            filters, values = self._filters(path, query)
            statement = sql.SQL("SELECT {} FROM {}{}{}").format(
                _list(select), sql.Identifier("public", path), filters, _order(asked)
            )
            return 200, self._rows(connection, statement, values)
        return self._write(connection, path, columns, asked | {"prefer": prefer}, query, body)

    def _write(
        self,
        connection: psycopg.Connection[Any],
        path: str,
        columns: set[str],
        asked: dict[str, str],
        query: list[tuple[str, str]],
        body: bytes,
    ) -> Reply:
        table, prefer = sql.Identifier("public", path), asked["prefer"]
        filters, values = self._filters(path, query)
        select = asked.get("select", "*").split(",")
        rows = json.loads(body)
        rows = rows if isinstance(rows, list) else [rows]
        unknown = {name for row in rows for name in row} - columns
        if unknown:
            return 400, {"code": "PGRST204", "message": f"Could not find the column {unknown}"}
        returns = sql.SQL(" RETURNING {}").format(_list(select, path))
        given = sorted({name for row in rows for name in row})
        source = sql.SQL("SELECT {} FROM json_populate_recordset(null::{}, %s::json)").format(
            _list(given), table
        )
        if not prefer.startswith("resolution="):
            statement = sql.SQL("UPDATE {} SET ({}) = ROW(source.*) FROM ({}) source{}{}").format(
                table, _list(given), source, filters, returns
            )
            return 200, self._rows(connection, statement, [json.dumps(rows), *values])
        keys = _list(asked["on_conflict"].split(","))
        does: sql.Composable = sql.SQL("NOTHING")
        if "merge-duplicates" in prefer:
            replaced = _list(given), _list(given, "excluded")
            does = sql.SQL("UPDATE SET ({}) = ROW({})").format(*replaced)
        conflict = sql.SQL(" ON CONFLICT ({}) DO {}").format(keys, does)
        statement = sql.SQL("INSERT INTO {} ({}) {}{}{}").format(
            table, _list(given), source, conflict, returns
        )
        return 201, self._rows(connection, statement, [json.dumps(rows)])

    def _call(
        self, connection: psycopg.Connection[Any], name: str, arguments: dict[str, Any]
    ) -> Reply:
        found = connection.execute(
            "SELECT proargnames, proargtypes::regtype[]::text[], proretset, typtype = 'b'"
            " FROM pg_proc JOIN pg_type ON pg_type.oid = prorettype"
            " WHERE proname = %s AND pronamespace = 'public'::regnamespace",
            [name],
        ).fetchone()
        types = dict(zip(found[0], found[1], strict=False)) if found else {}
        if not found or set(arguments) != set(types):
            said = f"Could not find the function public.{name} in the schema cache"
            return 404, {"code": "PGRST202", "message": said}
        given = sql.SQL(", ").join(
            sql.SQL("{} => %s::{}").format(sql.Identifier(one), sql.SQL(types[one]))
            for one in arguments
        )
        call = sql.SQL("{}({})").format(sql.Identifier("public", name), given)
        values = list(arguments.values())
        if not found[2]:
            row = connection.execute(sql.SQL("SELECT to_json({})").format(call), values).fetchone()
            assert row is not None
            return 200, row[0]
        pick = sql.SQL("SELECT {} AS one" if found[3] else "SELECT * FROM {}").format(call)
        rows = self._rows(connection, pick, values)
        return 200, [row["one"] for row in rows] if found[3] else rows

    def _rows(
        self, connection: psycopg.Connection[Any], statement: sql.Composed, values: list[Any]
    ) -> list[dict[str, Any]]:
        """The rows as JSON; what is beyond `most_rows` is left out."""
        whole = sql.SQL("WITH found AS ({}) SELECT row_to_json(found) FROM found").format(statement)
        rows = connection.execute(whole, values).fetchall()
        return [row for (row,) in rows[: self.most_rows]]

    def _filters(self, path: str, query: list[tuple[str, str]]) -> tuple[sql.Composable, list[str]]:
        parts, values = [], []
        for name, value in query:
            operator, _, operand = value.partition(".")
            if name in ("select", "order", "limit", "offset", "on_conflict"):
                continue
            parts.append(
                sql.SQL("{} {} %s").format(
                    sql.Identifier(path, name), sql.SQL(_OPERATORS[operator])
                )
            )
            values.append(operand)
        if not parts:
            return sql.SQL(""), []
        return sql.SQL(" WHERE ") + sql.SQL(" AND ").join(parts), values


def _list(names: list[str], table: str = "") -> sql.Composable:
    if names == ["*"]:
        return sql.SQL("*")
    return sql.SQL(", ").join(
        sql.Identifier(table, one) if table else sql.Identifier(one) for one in names
    )


def _order(asked: dict[str, str]) -> sql.Composable:
    terms = [term.split(".") for term in asked.get("order", "").split(",") if term]
    order = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL({"desc": "DESC"}.get(way, "ASC")))
        for name, way in terms
    )
    return sql.SQL("{}{} LIMIT {} OFFSET {}").format(
        sql.SQL(" ORDER BY " if terms else ""),
        order,
        sql.Literal(int(asked.get("limit", 1_000_000))),
        sql.Literal(int(asked.get("offset", 0))),
    )


@contextmanager
def open_project(*, most_rows: int = 1000, is_migrated: bool = True) -> Iterator[PostgrestServer]:
    """A project with the roles of Supabase and, if it is migrated, our tables and functions."""
    with new_database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for role in ("anon", "authenticated", "service_role"):
                connection.execute(
                    sql.SQL(
                        "DO $$ BEGIN CREATE ROLE {0}; EXCEPTION WHEN duplicate_object THEN END $$"
                    ).format(sql.Identifier(role))
                )
            connection.execute("ALTER ROLE service_role BYPASSRLS")
            connection.execute("GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role")
            connection.execute(
                "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES"
                " TO anon, authenticated, service_role"
            )
            for file in sorted(MIGRATIONS.glob("*.sql")) if is_migrated else ():
                connection.execute(file.read_bytes())
        server = PostgrestServer(url, most_rows=most_rows)
        with server.server:
            yield server
