"""A server to try things on.

It plays the calls of this package from made-up books, on your machine only. The same seed gives the
same data. The data is invented: it follows the documented shapes and makes no claim of being
WeChat's, and where the documents leave a question open the sandbox picks one of the possible
answers.
"""

from wxrevenue.sandbox._ams.books import Totals
from wxrevenue.sandbox._ams.push import Push, PushKeys
from wxrevenue.sandbox._ams.settlement import SettlementPath
from wxrevenue.sandbox._call import Answer
from wxrevenue.sandbox._pay.service import Mark, Merchant
from wxrevenue.sandbox._quota import Quota
from wxrevenue.sandbox._sandbox import Sandbox
from wxrevenue.sandbox._trouble import Forced, Mishap, Trouble

__all__ = ["Answer", "Forced", "Mark", "Merchant", "Mishap", "Push", "PushKeys", "Quota", "Sandbox", "SettlementPath", "Totals", "Trouble"]
