"""The ten tasks of encodechka (github.com/avidale/encodechka, commit 5e70bca), one file per task.

Every task follows the original protocol to the last detail that moves a score; tests hold a plain transcription of
the protocol to compare with.
"""

from headshrink.benchmarking.suite import ia, ic, icx, ne1, ne2, nli, pi, sa, sts, ti
from headshrink.benchmarking.suite._task import Task

TASKS: dict[str, Task] = {
    "sts": sts.TASK,
    "pi": pi.TASK,
    "nli": nli.TASK,
    "sa": sa.TASK,
    "ti": ti.TASK,
    "ia": ia.TASK,
    "ic": ic.TASK,
    "icx": icx.TASK,
    "ne1": ne1.TASK,
    "ne2": ne2.TASK,
}
