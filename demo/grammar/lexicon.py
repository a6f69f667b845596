"""The words: each entry is one concept with its English words and its Russian words, synonyms after commas.

A row of a noun table is `english, synonym | russian paradigm exceptions, synonym ...`; of a verb table
`english | imperfective row / perfective row, synonym ... | kinds of object | government`; rows of morphology.py.
"""

# ruff: noqa: E501  (a row of a table is one line)

from dataclasses import dataclass, replace
from functools import cached_property

from demo.grammar.morphology import (
    EnglishVerb,
    RussianAdjective,
    RussianNoun,
    RussianVerb,
    conjugate,
    decline,
    decline_adjective,
    english_plural,
    inflect,
)


@dataclass(frozen=True)
class Noun:
    """A concept named by nouns. `english`: (singular, plural) per synonym; `name`: takes no article."""

    key: str
    english: tuple[tuple[str, str], ...]
    russian: tuple[RussianNoun, ...]
    name: bool = False


@dataclass(frozen=True)
class Place:
    """A noun with its prepositions: Russian в (place and goal; source из) or на (source с), English in, at or on."""

    noun: Noun
    english: str
    russian: str


@dataclass(frozen=True)
class Adjective:
    """A quality; `kinds` of nouns it may be said of."""

    key: str
    english: tuple[str, ...]
    russian: tuple[RussianAdjective, ...]
    kinds: frozenset[str]


@dataclass(frozen=True)
class Verb:
    """An action; `kinds` of objects it takes (empty: none). Russian words come as (imperfective, perfective).

    `government` is what the Russian verb asks of its object: a case, or a preposition and a case ("на acc").
    """

    key: str
    english: tuple[EnglishVerb, ...]
    russian: tuple[tuple[RussianVerb, RussianVerb], ...]
    kinds: frozenset[str]
    government: str

    @cached_property
    def has_participle(self) -> bool:
        return all(perfective.participle for _, perfective in self.russian)


@dataclass(frozen=True)
class Relation:
    """A scale with two ends: older and younger, left and right. Said from either end."""

    key: str
    english: tuple[str, str]
    russian: tuple[str, str]
    government: tuple[str, str]
    kind: str


@dataclass(frozen=True)
class Time:
    """An adverbial of time or frequency; `tense` is the one it goes with."""

    key: str
    english: str
    russian: str
    tense: str


def rows(table: str) -> list[list[str]]:
    """Cells of a table written as lines of text."""
    lines = [line.split("#")[0].strip() for line in table.strip().splitlines()]
    return [[cell.strip() for cell in line.split("|")] for line in lines if line]


def nouns(table: str, animate: bool, name: bool = False) -> tuple[Noun, ...]:
    """Nouns of one table."""
    out = []
    for english, russian in rows(table):
        words = [word.strip() for word in english.split(",")]
        forms = tuple(decline(row, animate) for row in split_rows(russian))
        out.append(Noun(words[0], tuple((word, english_plural(word)) for word in words), forms, name))
    return tuple(out)


def split_rows(cell: str) -> list[str]:
    """Synonyms of a Russian cell: separated by a comma and a space, for exceptions hold bare commas."""
    return [row.strip() for row in cell.split(", ")]


PEOPLE = nouns(
    """
doctor, physician | врач m-sib, доктор m-hard np=доктора gp=докторов
teacher, instructor | учитель m-soft np=учителя, преподаватель m-soft
student | студент m-hard
engineer | инженер m-hard
writer, author | писатель m-soft, автор m-hard
artist, painter | художник m-velar, живописец/живописц m-ts0
driver | водитель m-soft, шофёр m-hard
cook, chef | повар m-hard np=повара
neighbour | сосед m-hard pl=соседи,соседей,соседям,соседями,соседях
friend, pal | друг m-velar pl=друзья,друзей,друзьям,друзьями,друзьях, приятель m-soft
brother | брат m-hard pl=братья,братьев,братьям,братьями,братьях
sister | сестра f-hard pl=сёстры,сестёр,сёстрам,сёстрами,сёстрах
grandmother, granny | бабушка f-velar gp=бабушек
grandfather, grandpa | дедушка f-velar:m gp=дедушек, дед m-hard
boy, lad | мальчик m-velar, мальчишка f-velar:m gp=мальчишек
girl | девочка f-velar gp=девочек
woman, lady | женщина f-hard, дама f-hard
man | мужчина f-hard:m
child, kid | ребёнок/ребёнк m-velar pl=дети,детей,детям,детьми,детях, малыш m-sib
soldier | солдат m-hard gp=солдат
sailor, seaman | моряк m-velar, матрос m-hard
farmer | фермер m-hard
nurse | медсестра f-hard pl=медсёстры,медсестёр,медсёстрам,медсёстрами,медсёстрах
actor | актёр m-hard, артист m-hard
actress | актриса f-hard
singer | певица f-ts
lawyer, attorney | юрист m-hard, адвокат m-hard
guest, visitor | гость m-soft, посетитель m-soft
tourist, traveller | турист m-hard, путешественник m-velar
director, boss | начальник m-velar, руководитель m-soft
shop assistant, salesman | продавец/продавц m-ts
journalist, reporter | журналист m-hard, репортёр m-hard
builder | строитель m-soft
hunter | охотник m-velar
fisherman, angler | рыбак m-velar, рыболов m-hard
king, monarch | король m-soft, монарх m-velar
queen | королева f-hard
postman | почтальон m-hard
waiter | официант m-hard
baker | пекарь m-soft
dentist | стоматолог m-velar, дантист m-hard
musician | музыкант m-hard
poet | поэт m-hard
""",
    animate=True,
)

ANIMALS = nouns(
    """
cat | кошка f-velar gp=кошек
dog, hound | собака f-velar, пёс/пс m-hard
horse | лошадь f-3
wolf | волк m-velar pl=волки,волков,волкам,волками,волках
bear | медведь m-soft
fox | лиса f-hard
bird | птица f-ts
tiger | тигр m-hard
monkey | обезьяна f-hard
""",
    animate=True,
)

TEXTS = nouns(
    """
book | книга f-velar
letter | письмо n-hard gp=писем
newspaper, paper | газета f-hard
article | статья f-tja gp=статей
story, tale | рассказ m-hard, история f-ija
poem | стихотворение n-ije
report | отчёт m-hard, доклад m-hard
message | сообщение n-ije
novel | роман m-hard
diary, journal | дневник m-velar
textbook | учебник m-velar
magazine | журнал m-hard
contract | договор m-hard, контракт m-hard
list | список/списк m-velar, перечень/перечн m-soft
""",
    animate=False,
)

FOODS = nouns(
    """
bun | булочка f-velar gp=булочек
apple | яблоко n-hard pl=яблоки,яблок,яблокам,яблоками,яблоках
cake | торт m-hard
cucumber | огурец/огурц m-ts
salad | салат m-hard
pie | пирог m-velar
pancake | блин m-hard
sandwich | бутерброд m-hard
orange | апельсин m-hard
egg | яйцо n-hard gp=яиц
pizza | пицца f-ts
pear | груша f-sib
tomato | помидор m-hard
""",
    animate=False,
)

OBJECTS = nouns(
    """
car, automobile | машина f-hard, автомобиль m-soft
bicycle, bike | велосипед m-hard
phone, telephone | телефон m-hard
lamp | лампа f-hard
chair | стул m-hard pl=стулья,стульев,стульям,стульями,стульях
table | стол m-hard
umbrella | зонт m-hard
bag | сумка f-velar gp=сумок
suitcase | чемодан m-hard
key | ключ m-sib
knife | нож m-sib
guitar | гитара f-hard
camera | фотоаппарат m-hard, камера f-hard
hat | шляпа f-hard
boat | лодка f-velar gp=лодок
toy | игрушка f-velar gp=игрушек
computer | компьютер m-hard
picture, painting | картина f-hard
box | коробка f-velar gp=коробок, ящик m-velar
ball | мяч m-sib
gift, present | подарок/подарк m-velar
ticket | билет m-hard
flower | цветок/цветк m-velar pl=цветы,цветов,цветам,цветами,цветах
cup | чашка f-velar gp=чашек, кружка f-velar gp=кружек
bottle | бутылка f-velar gp=бутылок
map | карта f-hard
carpet, rug | ковёр/ковр m-hard
sofa, couch | диван m-hard
shirt | рубашка f-velar gp=рубашек
dress | платье n-je
radio | радиоприёмник m-velar
ring | кольцо n-hard gp=колец pl=кольца,колец,кольцам,кольцами,кольцах
""",
    animate=False,
)

BUILDINGS = nouns(
    """
house | дом m-hard np=дома
bridge | мост m-hard
fence | забор m-hard
wall | стена f-hard pl=стены,стен,стенам,стенами,стенах
roof | крыша f-sib
tower | башня f-soft gp=башен
garage | гараж m-sib
""",
    animate=False,
)

CITIES = nouns(
    """
Moscow | Москва f-hard
Kazan | Казань f-3
Samara | Самара f-hard
Sochi | Сочи indecl:m
Baku | Баку indecl:m
Oslo | Осло indecl:m
Tokyo | Токио indecl:m
Tbilisi | Тбилиси indecl:m
Helsinki | Хельсинки indecl:m
London | Лондон m-hard
Paris | Париж m-sib0
Berlin | Берлин m-hard
Rome | Рим m-hard
Tula | Тула f-hard
Perm | Пермь f-3
Tomsk | Томск m-velar
Minsk | Минск m-velar
Prague | Прага f-velar
Vienna | Вена f-hard
Riga | Рига f-velar
""",
    animate=False,
    name=True,
)

NAMES = nouns(
    """
Anna | Анна f-hard
Olga | Ольга f-velar
Maria | Мария f-ija
Elena | Елена f-hard
Vera | Вера f-hard
Nina | Нина f-hard
Svetlana | Светлана f-hard
Irina | Ирина f-hard
Marina | Марина f-hard
Polina | Полина f-hard
Ivan | Иван m-hard
Boris | Борис m-hard
Oleg | Олег m-velar
Sergei | Сергей m-j
Anton | Антон m-hard
Maxim | Максим m-hard
Viktor | Виктор m-hard
Dmitry | Дмитрий m-ij
Andrei | Андрей m-j
Roman | Роман m-hard
""",
    animate=True,
    name=True,
)


def places(table: str) -> tuple[Place, ...]:
    """Places of one table: english preposition and noun | russian preposition | russian row."""
    out = []
    for english, preposition, russian in rows(table):
        before, _, words = english.partition(" ")
        (noun,) = nouns(f"{words} | {russian}", animate=False)
        out.append(Place(noun, before, preposition))
    return tuple(out)


PLACES = places("""
in park | в | парк m-velar
in garden | в | сад m-hard place=саду
at school | в | школа f-hard
in museum | в | музей m-j
at theatre | в | театр m-hard
in library | в | библиотека f-velar
in hospital | в | больница f-ts
in shop, store | в | магазин m-hard
at railway station | на | вокзал m-hard
in kitchen | на | кухня f-soft gp=кухонь
in office | в | офис m-hard, контора f-hard
on street | на | улица f-ts
in square | на | площадь f-3
at market | на | рынок/рынк m-velar
in forest, woods | в | лес m-hard np=леса place=лесу
in village | в | деревня f-soft gp=деревень
in cafe | в | кафе indecl:n
in restaurant | в | ресторан m-hard
in hotel | в | гостиница f-ts, отель m-soft
in bank | в | банк m-velar
in yard, courtyard | во | двор m-hard
at airport | в | аэропорт m-hard place=аэропорту
at factory, plant | на | завод m-hard, фабрика f-velar
on beach | на | пляж m-sib0
at stadium | на | стадион m-hard
at university | в | университет m-hard
in castle | в | замок/замк m-velar
on island | на | остров m-hard np=острова
""")


def adjectives(table: str) -> tuple[Adjective, ...]:
    """Adjectives of one table: english | russian | kinds."""
    out = []
    for english, russian, kinds in rows(table):
        words = tuple(word.strip() for word in english.split(","))
        forms = tuple(decline_adjective(row) for row in split_rows(russian))
        out.append(Adjective(words[0], words, forms, frozenset(kinds.split())))
    return tuple(out)


ADJECTIVES = adjectives("""
young | молодой stressed | person
old, elderly | старый hard, пожилой stressed | person
kind | добрый hard | person
clever, smart | умный hard, сообразительный hard | person
brave, courageous | смелый hard, храбрый hard | person animal
strong | сильный hard | person animal
tall | высокий velar, рослый hard | person
tired | усталый hard, уставший sib | person animal
cheerful, merry | весёлый hard, радостный hard | person
sad | грустный hard, печальный hard | person
famous, well-known | известный hard, знаменитый hard | person
rich, wealthy | богатый hard, состоятельный hard | person
poor | бедный hard | person
lazy | ленивый hard | person animal
polite, courteous | вежливый hard, учтивый hard | person
strict | строгий velar | person
honest | честный hard | person
hungry | голодный hard | person animal
new | новый hard | object text building
ancient | старинный hard, древний soft | building text
big, large | большой stressed-sib | object building animal
small, little | маленький velar, небольшой stressed-sib | object building
red | красный hard | object building
green | зелёный hard | object building
white | белый hard | object building animal
black | чёрный hard | object animal
expensive, costly | дорогой stressed-velar, недешёвый hard | object
cheap, inexpensive | дешёвый hard, недорогой stressed-velar | object
beautiful, lovely | красивый hard, прекрасный hard | object building
heavy | тяжёлый hard | device
strange, odd | странный hard, необычный hard | object text
interesting, engaging | интересный hard, увлекательный hard | text
boring, dull | скучный hard, нудный hard | text
long | длинный hard | text
short, brief | короткий velar, краткий velar | text
tasty, delicious | вкусный hard, аппетитный hard | food
fresh | свежий sib | food
hot | горячий sib | food
cold | холодный hard | food
""")


def aspects(row: str) -> tuple[RussianVerb, RussianVerb]:
    """Both aspects of "imperfective / perfective"; "=" for an activity, whose past and future stay imperfective."""
    first, second = row.split(" / ")
    imperfective = conjugate(first)
    if second != "=":
        return imperfective, conjugate(second)
    future = [f"{be} {imperfective.infinitive}" for be in ("будет", "будут")]
    return imperfective, replace(imperfective, singular=future[0], plural=future[1])


def verbs(table: str) -> tuple[Verb, ...]:
    """Verbs of one table."""
    out = []
    for english, russian, kinds, government in rows(table):
        words = tuple(word.strip() for word in english.split(","))
        pairs = tuple(aspects(row) for row in split_rows(russian))
        out.append(Verb(words[0], tuple(map(inflect, words)), pairs, frozenset(kinds.split()), government))
    return tuple(out)


ACTIONS = verbs("""
see, notice | видеть видит видят / увидеть увидит увидят, замечать замечает замечают / заметить заметит заметят | person animal | acc
meet, encounter | встречать встречает встречают / встретить встретит встретят | person | acc
help, assist | помогать помогает помогают / помочь поможет помогут past=помог,помогла | person | dat
thank | благодарить благодарит благодарят / поблагодарить поблагодарит поблагодарят | person | acc
invite | приглашать приглашает приглашают / пригласить пригласит пригласят part=приглашён, звать зовёт зовут / позвать позовёт позовут part=позван | person | acc
phone, ring up | звонить звонит звонят / позвонить позвонит позвонят | person | dat
praise, commend | хвалить хвалит хвалят / похвалить похвалит похвалят | person | acc
scold, tell off | ругать ругает ругают / отругать отругает отругают, бранить бранит бранят / выбранить выбранит выбранят | person animal | acc
find | находить находит находят / найти найдёт найдут past=нашёл,нашла part=найден | person animal object text | acc
look for, search for | искать ищет ищут / поискать поищет поищут, разыскивать разыскивает разыскивают / поискать поищет поищут | person animal object text | acc
save, rescue | спасать спасает спасают / спасти спасёт спасут past=спас,спасла part=спасён | person animal | acc
recognise | узнавать узнаёт узнают / узнать узнает узнают | person | acc
visit | навещать навещает навещают / навестить навестит навестят, посещать посещает посещают / посетить посетит посетят | person | acc
greet, welcome | приветствовать приветствует приветствуют / поприветствовать поприветствует поприветствуют | person | acc
answer, reply to | отвечать отвечает отвечают / ответить ответит ответят | person | dat
believe, trust | верить верит верят / поверить поверит поверят, доверять доверяет доверяют / поверить поверит поверят | person | dat
forgive, pardon | прощать прощает прощают / простить простит простят part=прощён | person | acc
comfort, console | утешать утешает утешают / утешить утешит утешат, успокаивать успокаивает успокаивают / успокоить успокоит успокоят | person | acc
warn | предупреждать предупреждает предупреждают / предупредить предупредит предупредят part=предупреждён | person | acc
protect, defend | защищать защищает защищают / защитить защитит защитят part=защищён | person animal building | acc
draw | рисовать рисует рисуют / нарисовать нарисует нарисуют part=нарисован | person animal device building | acc
photograph | фотографировать фотографирует фотографируют / сфотографировать сфотографирует сфотографируют part=сфотографирован | person animal building | acc
catch | ловить ловит ловят / поймать поймает поймают part=пойман | animal | acc
feed | кормить кормит кормят / накормить накормит накормят part=накормлен | person animal | acc
read | читать читает читают / прочитать прочитает прочитают part=прочитан | text | acc
write | писать пишет пишут / написать напишет напишут part=написан | writing | acc
translate | переводить переводит переводят / перевести переведёт переведут past=перевёл,перевела part=переведён | text | acc
publish, print | публиковать публикует публикуют / опубликовать опубликует опубликуют part=опубликован, печатать печатает печатают / напечатать напечатает напечатают part=напечатан | text | acc
discuss, talk about | обсуждать обсуждает обсуждают / обсудить обсудит обсудят part=обсуждён | text | acc
check | проверять проверяет проверяют / проверить проверит проверят part=проверен | text device | acc
eat | есть ест едят past=ел,ела / съесть съест съедят past=съел,съела part=съеден | food | acc
cook, prepare | готовить готовит готовят / приготовить приготовит приготовят part=приготовлен | food | acc
buy, purchase | покупать покупает покупают / купить купит купят part=куплен, приобретать приобретает приобретают / приобрести приобретёт приобретут past=приобрёл,приобрела part=приобретён | food object text building | acc
sell | продавать продаёт продают / продать продаст продадут part=продан | food object text building | acc
build, construct | строить строит строят / построить построит построят part=построен, возводить возводит возводят / возвести возведёт возведут past=возвёл,возвела part=возведён | building | acc
repair, fix | чинить чинит чинят / починить починит починят part=починен, ремонтировать ремонтирует ремонтируют / отремонтировать отремонтирует отремонтируют part=отремонтирован | device building | acc
paint | красить красит красят / покрасить покрасит покрасят part=покрашен | building | acc
wash, clean | мыть моет моют / вымыть вымоет вымоют part=вымыт | washable | acc
hide, conceal | прятать прячет прячут / спрятать спрячет спрячут part=спрятан | object text | acc
break | ломать ломает ломают / сломать сломает сломают part=сломан | device | acc
lose | терять теряет теряют / потерять потеряет потеряют part=потерян | object text | acc
choose, pick | выбирать выбирает выбирают / выбрать выберет выберут part=выбран | object text food | acc
bring | приносить приносит приносят / принести принесёт принесут past=принёс,принесла part=принесён | object text food | acc
destroy, demolish | разрушать разрушает разрушают / разрушить разрушит разрушат part=разрушен | building | acc
""")

INTRANSITIVES = verbs("""
sleep | спать спит спят / = | | acc
work | работать работает работают / =, трудиться трудится трудятся / = | | acc
laugh | смеяться смеётся смеются / засмеяться засмеётся засмеются | | acc
sing | петь поёт поют / = | | acc
dance | танцевать танцует танцуют / = | | acc
swim | плавать плавает плавают / = | | acc
rest, relax | отдыхать отдыхает отдыхают / отдохнуть отдохнёт отдохнут | | acc
cry, weep | плакать плачет плачут / заплакать заплачет заплачут, рыдать рыдает рыдают / зарыдать зарыдает зарыдают | | acc
smile | улыбаться улыбается улыбаются / улыбнуться улыбнётся улыбнутся | | acc
wait | ждать ждёт ждут / = | | acc
""")

TRANSFERS = verbs("""
give, hand | давать даёт дают / дать даст дадут part=дан, вручать вручает вручают / вручить вручит вручат part=вручён | object text food | acc
send | посылать посылает посылают / послать пошлёт пошлют part=послан, отправлять отправляет отправляют / отправить отправит отправят part=отправлен | object text | acc
show | показывать показывает показывают / показать покажет покажут part=показан | object text | acc
lend | одалживать одалживает одалживают / одолжить одолжит одолжат part=одолжен | object text | acc
return, give back | возвращать возвращает возвращают / вернуть вернёт вернут, отдавать отдаёт отдают / отдать отдаст отдадут | object text | acc
sell | продавать продаёт продают / продать продаст продадут part=продан | object food text | acc
""")

JOURNEYS = verbs("""
travel, go | ездить ездит ездят / поехать поедет поедут | | acc
fly | летать летает летают / полететь полетит полетят | | acc
""")


def times(table: str) -> tuple[Time, ...]:
    return tuple(Time(english, english, russian, tense) for english, russian, tense in rows(table))


TIMES = times("""
yesterday | вчера | past
last week | на прошлой неделе | past
two days ago | два дня назад | past
last year | в прошлом году | past
last night | вчера вечером | past
on Monday | в понедельник | past
on Friday | в пятницу | past
tomorrow | завтра | future
next week | на следующей неделе | future
next year | в следующем году | future
soon | скоро | future
on Saturday | в субботу | future
now | сейчас | present
right now | прямо сейчас | present
today | сегодня | present
every day | каждый день | habit
on Sundays | по воскресеньям | habit
every morning | каждое утро | habit
in the evenings | по вечерам | habit
in summer | летом | habit
in winter | зимой | habit
all day yesterday | вчера весь день | progressive
all morning | всё утро | progressive
for a long time | долго | progressive
""")


def relations(table: str) -> tuple[Relation, ...]:
    """Relations of one table: english of both ends | russian of both ends | their cases | kind of participants."""
    out = []
    for english, russian, government, kind in rows(table):
        ends = [tuple(cell.split(", ")) for cell in (english, russian, government)]
        out.append(Relation(english.split(",")[0], *ends, kind))  # type: ignore[arg-type, call-arg]
    return tuple(out)


RELATIONS = relations("""
older than, younger than | старше, моложе | gen, gen | person
taller than, shorter than | выше, ниже | gen, gen | person
stronger than, weaker than | сильнее, слабее | gen, gen | person
richer than, poorer than | богаче, беднее | gen, gen | person
faster than, slower than | быстрее, медленнее | gen, gen | person
kinder than, crueller than | добрее, злее | gen, gen | person
north of, south of | севернее, южнее | gen, gen | city
east of, west of | восточнее, западнее | gen, gen | city
to the left of, to the right of | слева от, справа от | gen, gen | place
in front of, behind | перед, за | ins, ins | place
above, below | над, под | ins, ins | object
""")

# Said of a moment or a state: "is finding", "was seeing" are no English, so these take no progressive.
MOMENTARY = frozenset("see meet find recognise believe forgive save lose break warn invite choose hide".split())

# Kinds within "object" and "text", for verbs that not every thing suits.
DEVICES = frozenset("car bicycle phone lamp umbrella guitar camera boat toy computer radio".split())
WASHABLE = frozenset("car bicycle cup bottle table chair carpet sofa boat shirt dress knife".split())
WRITINGS = frozenset("letter article story poem report message novel contract list".split())
GENERAL = {"device": "object", "washable": "object", "writing": "text"}

KINDS: dict[str, tuple[Noun, ...]] = {
    "person": PEOPLE + NAMES,
    "animal": ANIMALS,
    "text": TEXTS,
    "food": FOODS,
    "object": OBJECTS,
    "building": BUILDINGS,
    "device": tuple(noun for noun in OBJECTS if noun.key in DEVICES),
    "washable": tuple(noun for noun in OBJECTS if noun.key in WASHABLE),
    "writing": tuple(noun for noun in TEXTS if noun.key in WRITINGS),
}
ADJECTIVES_OF: dict[str, tuple[Adjective, ...]] = {
    kind: tuple(adjective for adjective in ADJECTIVES if adjective.kinds & {kind, GENERAL.get(kind, kind)})
    for kind in KINDS
}
TIMES_OF: dict[str, tuple[Time, ...]] = {
    tense: tuple(time for time in TIMES if time.tense == tense) for tense in dict.fromkeys(t.tense for t in TIMES)
}
