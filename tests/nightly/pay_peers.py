"""Two independent clients call the sandbox's WeChat Pay.

It takes their signatures, and they take its own.

``wechatpayv3`` (PyPI) signs in Python, ``wechatpay-axios-plugin`` (npm) in JavaScript; neither
knows this package. Install them beside it, and name the folders::

    pip install --target peers wechatpayv3;  npm install --prefix peers wechatpay-axios-plugin
    python tests/nightly/pay_peers.py peers

Each marks an order, looks at the remaining amount, adds a receiver whose name it encrypts,
distributes, releases the rest, looks again, deletes the receiver, opens what the sandbox has
sealed, and refuses an answer with another body. (``wechatpayv3`` drops the body of a DELETE, so
that it does not delete.)
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

from wxrevenue.sandbox import Mark, Mishap, Sandbox

PYTHON = """
import json, sys
from wechatpayv3.core import Core
from wechatpayv3.type import RequestType
from wechatpayv3.utils import aes_decrypt, load_public_key, rsa_encrypt

facts = json.load(sys.stdin)
core = Core(facts["mchid"], facts["serial_no"], facts["private_key"], facts["apiv3_key"], timeout=10,
            public_key=facts["public_key"], public_key_id=facts["public_key_id"])
core._gate_way = facts["url"]
for step in facts["steps"]:
    method = RequestType.GET if step["method"] == "GET" else RequestType.POST
    try:
        if step["method"] == "OPEN":
            sealed = facts["sealed"]
            status, text = 1, aes_decrypt(sealed["nonce"], sealed["ciphertext"], sealed["associated_data"], facts["apiv3_key"])
        else:
            body = step.get("body")
            if body and "name" in body:
                body["name"] = rsa_encrypt(body["name"], load_public_key(facts["public_key"]))
            status, text = core.request(step["path"], method, body, cipher_data="name" in (body or {}))
    except Exception as error:
        status, text = 0, str(error)
    print(json.dumps([status, text if isinstance(text, str) else text.decode()]), flush=True)
"""
NODE = """
const { Wechatpay, Decorator, Rsa, Aes } = require('wechatpay-axios-plugin');
let text = '';
process.stdin.on('data', (chunk) => { text += chunk; });
process.stdin.on('end', async () => {
  const facts = JSON.parse(text);
  const who = {
    mchid: facts.mchid, serial: facts.serial_no, privateKey: facts.private_key, certs: { [facts.public_key_id]: facts.public_key },
  };
  const client = new Wechatpay(who);
  const json = { 'Content-Type': 'application/json' };  // which axios leaves out of a DELETE
  for (const step of facts.steps) {
    const path = step.path.split('?')[0].slice(1);
    const params = Object.fromEntries(new URLSearchParams(step.path.split('?')[1] || ''));
    const options = { baseURL: facts.url + '/', params, headers: { 'Wechatpay-Serial': facts.public_key_id, ...json } };
    let said;
    try {
      if (step.method === 'OPEN') {
        const sealed = facts.sealed;
        said = [1, Aes.AesGcm.decrypt(sealed.ciphertext, facts.apiv3_key, sealed.nonce, sealed.associated_data)];
      } else {
        if (step.body && step.body.name) {
          step.body.name = Rsa.encrypt(step.body.name, Rsa.from(facts.public_key, Rsa.KEY_TYPE_PUBLIC));
        }
        const call = client.chain(path);
        const answer = step.method === 'GET' ? await call.get(options)
          : step.method === 'POST' ? await call.post(step.body, options)
            : await new Decorator(who).request(path, step.method, step.body, options);  // call.delete() drops the body
        said = [answer.status, typeof answer.data === 'string' ? answer.data : JSON.stringify(answer.data)];
      }
    } catch (error) {
      said = [0, String(error.message) + (error.response ? JSON.stringify(error.response.data) : '')];
    }
    console.log(JSON.stringify(said));
  }
});
"""


SEALED = {"out_refund_no": "R-1", "refund_status": "SUCCESS", "text": "退款"}
ACCOUNT = "1900000109"


def steps_of(name: str, number: str, trade: str) -> list[dict[str, Any]]:
    """Return what a peer does, and the status that each step should get.

    Status 1 stands for what is sealed, and 0 for the peer's own refusal.
    """
    base = "/v3/global/profit-sharing"
    look = {"method": "GET", "path": f"{base}/transactions/{number}/amounts", "status": 200}
    release = {"transaction_id": number, "out_order_no": f"U-{trade}", "description": "解冻全部剩余资金"}
    added = {"type": "MERCHANT_ID", "account": ACCOUNT, "relation_type": "SUPPLIER", "name": "深圳某某有限公司"}
    share = {"type": "MERCHANT_ID", "account": ACCOUNT, "amount": 300, "currency": "CNY", "description": "分账"}
    asked = {"transaction_id": number, "out_order_no": f"D-{trade}", "unfreeze_unsplit": False, "receivers": [share]}
    gone = {"method": "DELETE", "path": f"{base}/receivers", "body": {"type": "MERCHANT_ID", "account": ACCOUNT}, "status": 204}
    return [
        {"method": "POST", "path": f"{base}/transactions/mark", "body": {"out_trade_no": f"{trade}-2", "currency": "CNY"}, "status": 204},
        look,
        {"method": "POST", "path": f"{base}/receivers", "body": added, "status": 200},
        {"method": "GET", "path": f"{base}/receivers/{ACCOUNT}?type=MERCHANT_ID", "status": 200},
        {"method": "POST", "path": f"{base}/orders", "body": asked, "status": 200},
        {"method": "POST", "path": f"{base}/orders/unfreeze", "body": release, "status": 200},
        {"method": "GET", "path": f"{base}/orders/U-{trade}?transaction_id={number}", "status": 200},
        *([] if name == "wechatpayv3" else [gone]),
        {"method": "OPEN", "path": "", "status": 1},
        {**look, "status": 0},
    ]


async def run(sandbox: Sandbox, name: str, command: list[str], environment: dict[str, str]) -> bool:
    """Let one peer call; return whether every step was right."""
    merchant, trade = sandbox.merchant, f"P-{name}"
    sandbox._pay.books.marks[Mark(out_trade_no=trade, sub_mchid=None, currency="CNY")] = None  # pyright: ignore[reportPrivateUsage]
    number = sandbox.pay.pay(trade, 10_000)
    steps, sealed = steps_of(name, number, trade), sandbox._pay.platform.sealed(orjson.dumps(SEALED), "refund")  # pyright: ignore[reportPrivateUsage]
    sandbox.next(*[None] * (len(steps) - 2), Mishap.MISSIGNED)
    public_id = next(serial for serial in merchant.platform_keys if serial.startswith("PUB_KEY_ID_"))
    facts: dict[str, Any] = {
        "mchid": merchant.mchid,
        "serial_no": merchant.serial_no,
        "private_key": merchant.private_key,
        "apiv3_key": merchant.apiv3_key,
        "public_key": merchant.platform_keys[public_id],
        "public_key_id": public_id,
        "steps": steps,
        "sealed": sealed,
    }
    async with sandbox.serve() as url:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env={**os.environ, **environment})
        out, _ = await process.communicate(json.dumps({**facts, "url": url}).encode())
    answers = [json.loads(line) for line in out.decode().splitlines()]
    wanted = [step["status"] for step in steps]
    for step, answer in zip(steps, answers, strict=False):
        print(f"{name}: {step['method']} {step['path']}: wanted {step['status']}, got {answer[0]} {answer[1][:80]}")  # noqa: T201
    books = sandbox.pay.books()
    opened = [json.loads(text) for status, text in answers if status == 1]
    print(f"{name}: {books}; opened {opened}")  # noqa: T201
    whole = (books.distributed, books.released, books.frozen) == ({ACCOUNT: 300}, 9_700, 0)
    return [answer[0] for answer in answers] == wanted and opened == [SEALED] and whole


def main(folder: Path) -> int:
    """Run both peers; return the exit code."""
    node = shutil.which("node")
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch, "peer.js")
        script.write_text(NODE, encoding="utf-8")
        peers = [
            ("wechatpayv3", [sys.executable, "-c", PYTHON], {"PYTHONPATH": str(folder)}),
            ("axios", [node or "node", str(script)], {"NODE_PATH": str(folder / "node_modules")}),
        ]
        good = [asyncio.run(run(Sandbox(), name, command, environment)) for name, command, environment in peers]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
