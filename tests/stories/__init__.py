"""Five must-checks from the first call to the last right, by nothing but public interfaces.

An approval system has its key and the graph; a person a browser and an app; a bank its key and a
browser that comes back to it; a steward the command line. `make stories` plays them and tells them.
"""

from tests.stories import (
    s04_recruitment,
    s06_special_occupation,
    s11_licensing,
    s16_green_channel,
    s17_loan,
)

STORIES = (s04_recruitment, s06_special_occupation, s11_licensing, s16_green_channel, s17_loan)
