"""``wxrevenue demo``: the job, its report, and the screen."""
