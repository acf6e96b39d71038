#!/usr/bin/env bash
# Makes the spoken defaults: for each language a directory of WAV files (G.711 A-law,
# 8 kHz). A line is a file's name and its words: whole announcements, and pieces of which
# others are put together. Needs espeak-ng and sox. (The voice cmn of espeak-ng 1.51 spells
# Chinese in English; cmn-latn-pinyin speaks it.)
set -euo pipefail
cd "$(dirname "$0")"

# speak VOICE SPEED DIRECTORY reads lines.
speak() {
	mkdir -p "$3"
	while read -r name words; do
		espeak-ng -v "$1" -s "$2" --stdout "$words" |
			sox -D -t wav - -r 8000 -c 1 -e a-law -b 8 "$3/$name.wav" \
				silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse gain -n -6
	done
}

speak en-gb 155 en <<'WORDS'
safe-harbour Hello. We have called you, but all of our colleagues are busy at this moment. We are sorry for the trouble. To reach us, or to be called no more, please ring the number that your telephone shows. Good bye.
closed Thank you for your call. Our office is closed at the moment. Please call again during our opening hours. Good bye.
busy Thank you for your call. We are sorry: all of our colleagues are still busy.
callback-offer If you want us to call you back at the number that you are calling from, please press one now.
callback-kept Thank you. We have noted your number, and will call you back as soon as we can. Good bye.
recorded This call is being recorded.
refuse If you do not want that, please press
star star
hash hash
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

speak cmn-latn-pinyin 185 zh <<'WORDS'
safe-harbour 您好。我们给您打了电话，但是所有的客服人员现在都在忙。很抱歉打扰您。如果您想联系我们，或者不想再接到我们的电话，请拨打您电话上显示的号码。再见。
closed 感谢您的来电。现在是非工作时间，请您在工作时间再打来。再见。
busy 感谢您的来电。非常抱歉，所有的客服人员现在都在忙。
callback-offer 如果您希望我们按您现在使用的号码给您回电话，请现在按一。
callback-kept 谢谢。我们已经记下您的号码，会很快给您回电话。再见。
recorded 您好。本次通话将会录音。
refuse 如果您不同意，请按
star 星号键
hash 井号键
closed-now 感谢您的来电。现在是非工作时间。
open-again 我们将于
to 到
onwards 起
serve 为您服务。
today 今天
tomorrow 明天
on-monday 星期一
on-tuesday 星期二
on-wednesday 星期三
on-thursday 星期四
on-friday 星期五
on-saturday 星期六
on-sunday 星期日
midnight 午夜十二点
night 夜里
morning 上午
noon 中午
afternoon 下午
evening 晚上
oclock 点
minutes 分
two 两
0 零
1 一
2 二
3 三
4 四
5 五
6 六
7 七
8 八
9 九
10 十
11 十一
12 十二
13 十三
14 十四
15 十五
16 十六
17 十七
18 十八
19 十九
20 二十
30 三十
40 四十
50 五十
WORDS
