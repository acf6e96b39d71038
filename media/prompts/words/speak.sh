#!/usr/bin/env bash
# Makes the WAV files of this directory: the pieces of which announcements are put
# together. A line is a file's name and its words. Needs espeak-ng and sox.
set -euo pipefail
cd "$(dirname "$0")"
while read -r name words; do
	espeak-ng -v en-gb -s 155 --stdout "$words" |
		sox -t wav - -r 8000 -c 1 -e a-law -b 8 "$name.wav" \
			silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse gain -n -6
done <<'WORDS'
closed-now Thank you for your call. Our office is closed at the moment.
open-again We are open again
from from
to to
today today
tomorrow tomorrow
on-monday on Monday
on-tuesday on Tuesday
on-wednesday on Wednesday
on-thursday on Thursday
on-friday on Friday
on-saturday on Saturday
on-sunday on Sunday
midnight midnight
noon noon
am A M
pm P M
hundred hundred hours
recorded This call is being recorded.
refuse If you do not want that, please press
star star
hash hash
0 zero
oh oh
1 one
2 two
3 three
4 four
5 five
6 six
7 seven
8 eight
9 nine
10 ten
11 eleven
12 twelve
13 thirteen
14 fourteen
15 fifteen
16 sixteen
17 seventeen
18 eighteen
19 nineteen
20 twenty
30 thirty
40 forty
50 fifty
WORDS
