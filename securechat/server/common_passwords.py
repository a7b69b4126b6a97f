"""The passwords that are tried first: what lists of leaked passwords begin with, and the words that they are made of.

In lower case, and without the digits and exclamation marks that people put behind a word: with them
`securechat.server.password_rules` finds them too. So some are shorter than any password.
"""

from __future__ import annotations

from typing import Final

__all__ = ["COMMON_PASSWORDS"]

_WORDS: Final = """
    aaaaaaaa abababab abc123abc abcabcabc abcd abcdabcd abcdefgh abcdefghi abcdefghij access adgjmptw admin admin@123
    adminadmin administrator alejandra alejandro alexander alexandra alexandre alexis amanda amsterdam anastasia
    anderson andrew andromeda angelica anthony antonella antonio arsenal asdasdasd asdf asdfasdf asdfghjk asdfghjkl
    asdfghjkl; asdfjkl; asdqwe asshole atlanta august australia autumn babygirl babylove bailey balloons banana bananas
    barcelona baseball basketball batman beautiful benjamin berliner bigdaddy birthday bismillah blackberry blahblah
    blessed blink bluebird bluemoon bonjour bordeaux bradford brandon brasil brittany broncos brooklyn brother bubbles
    budapest bulldog bulldogs business buster butterfly cadillac calvin cambridge cameron campbell canadian captain
    cardinal carolina caroline cassandra catherine catwoman celtic challenge champion changeit changeme charlene charles
    charlie charlotte cheese chelsea cherokee chester chevrolet chicago chicken chocolate chouchou chris christian
    christin christina christine christmas christopher cinnamon classic clevelan cocacola colombia colorado columbia
    computer concrete constant controller cookie cookies corvette courtney coventry cowboys creative cristian cristina
    crystal danger daniel danielle darkness database deadpool december default demo designer destiny diamonds dinosaur
    discover disney doggies dolphin dolphins domenico dominica dominique donald doraemon douglas dragon dragonball
    drowssap dumbledore eastside eclipse edinburgh einstein electric electronics elephant elizabeth emmanuel engineer
    england enternow enterprise estrella everlast everton evolution explorer facebook falcon familia family fantasia
    fatboy father february felicidad fernanda fernando ferrari fireball fireman firewall first fishing flamengo florence
    florida flower flowers football footballs forever fortnite francesca francesco francisco franklin freedom freepass
    friday friends friendship fuckoff fuckyou gabriel gabriela gabrielle galatasaray gandalf garfield gateway geheim
    geheimnis general generic genesis george geronimo ghbdtnbr ginger giovanni giuseppe godzilla golden goldfish
    good-luck goodluck goodmorning gorgeous graduate grateful greatone greenday guardian guest guinness guitar gunner
    hallo hallohallo handball hannover happy happydays hardcore harley harrison harrypotter hawaii hej12345 hello
    hellohello hellokitty helpdesk hercules highland hockey holiday homework horizon houston howareyou hunter
    hunter2hunter2 hurricane iamawesome idiot idontknow iforgot ihateyou ikbendeb iloveher ilovehim ilovejesus ilovemom
    iloveyou iloveyousomuch iloveyoutoo imissyou incorrect infinite infinity informatica insecure internet inuyasha
    invincible ireland ironmaiden isabella jackson jasmine jasper jeffrey jennifer jeremiah jessica jesus jesuschrist
    jesusislord joaquin johannes johnjohn johnson jonathan jordan josephine joshua julian juliette juventus kalimera
    karolina katharina katherine kathleen kawasaki killer kimberly kingkong kittycat kobe krishna kristina lakers
    landlord lasvegas laura lauren lavender legend leonardo letmein letmeinnow letmeinplease liberty lifetime lightning
    lineage liverpool llamas login logitech lollipop lollol london looking lovelife lovelove lovely loveme lover
    loverboy loveyou lucifer lunchbox macintosh maddison madison madonna maggie magic makaveli manchester mandarin
    manuela marathon margaret margarita marina mariposa marlboro marseille marshall martinez master masterkey masters
    matematica matrix matthew maverick maxwell mcdonald megatron melissa mercedes mercury metallic metallica michael
    michelle michigan microsoft midnight minecraft minnesota mohammed momoney monkey monopoly montana montreal moonlight
    morrison motdepasse mother motorola mountain mouse muffin mustang myname mypassword myspace naruto natalia nataliya
    nathalie newcastle newlife newpass newpassword newport newyork nicholas nicole nightmare nintendo nirvana nokia
    nopassword nothing november nthgbcjr obiwankenobi october oktober oldtrafford olivia olympique opensesame orange
    p@55w0rd p@ssw0rd p@ssword pa$$w0rd pa$$word pa55w0rd pa55word panasonic panther papillon paradise parallel paramore
    parol parola pass pass@123 pass@word passion passme passpass passport passw0rd passwd password password* password.
    password@ passwordpassword passwort patience patricia patrick patriots peaches peanut peekaboo penguins pepper
    personal phantom philadelphia phillies phoenix piccolo pictures pikachu pimpdaddy pineapple pittsburgh platinum
    playstation please pleasure pokemon porsche portugal positive postgres president princesa princess princesse private
    problems property prosperity pumpkin punisher purple q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 qaz123wsx qazwsx qazwsxedc
    qazxswedc qqqqqqqq qwaszx qwe123qwe qweasdzx qweasdzxc qweqweqwe qwer qwerasdf qwerqwer qwert qwerty qwertyqwerty
    qwertyui qwertyuio qwertyuiop qwertz qwertzui qwertzuiop rachel raiders rainbow rammstein ramstein ranger rangers
    raspberry realmadrid rebecca rebelde red123456 reddevil redskins redwings remember rhapsody ricardo richard robert
    rockstar rockyou rodriguez rolltide romantic ronaldo roosevelt roosters rootroot rush russell sabrina sagitario
    sailormoon salasana samantha samsung sanchez sandiego sandra santiago saturday savannah schalke schatzi schatzie
    scooter scorpio scorpion scotland seahawks sebastian secret securechat security september serenity service shadow
    shannon shopping sideways silver silverado simple simpsons sister skywalker slayer slipknot smokey snickers snowball
    snowboard snowflake soccer softball software something sommer sophie southpark spanish sparkles spartans speedway
    spiderman spitfire spongebob spring squirrel standard stanley starcraft stardust stargate startrek starwars steelers
    stefania stephanie stephen sterling stingray strawberry student success summer sunflower sunshine superman
    supernatural supersecret superstar support survivor swordfish sylvester system tabitha tarheels teamwork telefono
    telephone temp temporal tennessee tequiero test testing testtest theresa therock thisisapassword thomas thunder
    thunderbird tiffany tigger timberlake tinkerbell tiramisu titanic tomorrow toronto toshiba tottenham traveler
    treasure triangle trinity trombone trouble trustno trustnoone tsunami tucker tunafish twilight tyler ultimate
    underground undertaker unicorn universe unknown user username vacation valencia valentin valentina valentine vampire
    vanessa veronica victoria victory vincent virginia volkswagen volleyball voyager wachtwoord warcraft warhammer
    warrior warriors watermelon webmaster welcome westside whatever whatsup whiskers white wicked wildcats wilhelm
    william williams willkommen windows winston winter wolverine wonderful woodland wordpass wrangler wrestling wwwwwwww
    xxxxxxxx yamaha yankees yellow yourmom yourname yuantuo yugioh zachary zaq12wsx zaq1xsw2 zaq1zaq1 zaqwsxcde zeppelin
    zxcasdqwe zxcv zxcvasdf zxcvbnm zxcvbnm, zxcvzxcv zzzzzzzz
"""

# Rows of digits and keys.
_ROWS: Final = """
    !@#$%^&* !@#$%^&*( !qaz2wsx 00000000 000000000 0000000000 01020304 01234567 012345678 0123456789 09876543 0987654321
    1!2@3#4$ 10101010 10203040 1029384756 11111111 111111111 1111111111 11112222 11223344 1122334455 112233445566
    11235813 12121212 121212121 12312312 123123123 123321123 12341234 123412345 12344321 123454321 1234554321 12345612
    123456123456 123456654321 12345678 123456789 1234567890 1234567891 12345678910 123456789a 123456789q 123456789z
    12345678a 1234567a 123456a@ 123456aa 123456abc 123456qwerty 12345abc 12345qwert 1234abcd 1234qwer 123abc123
    123asd123 123qwe!@# 123qwe123 123qweasd 123qweasdzxc 13131313 131313131 13579246 135792468 1357924680 14141414
    14253647 142536475869 147258369 1472583690 147852369 14789632 147896325 15935728 159357456 159753159 1597532486
    159753456 16161616 17171717 18181818 19191919 19841984 1a2b3c4d 1a2b3c4d5e 1passwor 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y
    1qaz!qaz 1qaz1qaz 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 1qazzaq1 20002000 20102010 20202020 21212121 22222222 222222222
    23232323 23456789 24681012 2468101214 246813579 25252525 25802580 258456258 31415926 314159265 32323232 33333333
    369258147 36985214 44444444 45454545 456456456 4815162342 55555555 555555555 5555555555 56565656 66666666 666666666
    69696969 741852963 7418529630 75395128 753951456 77777777 777777777 7777777777 78787878 789456123 7894561230
    789789789 87654321 88888888 888888888 8888888888 963852741 9638527410 987456321 98765432 987654321 9876543210
    99999999 999999999 9999999999
"""

COMMON_PASSWORDS: Final = frozenset(f"{_WORDS} {_ROWS}".split())
