"""The words of the guardrails GR-01, GR-07, GR-08 and GR-09 (domain.md §7), and how they are found.

English counts by whole words, so `pointer` is not `points`; Chinese has no word breaks and
counts by substring. Pinyin stands beside English because legacy columns are named in it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final


def words(text: str) -> list[str]:
    """`reviewGrade` and `Review grade` → `['review', 'grade']`."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words that must not occur: English or pinyin terms of one or more words, Chinese substrings."""

    latin: frozenset[str]
    chinese: frozenset[str]

    @classmethod
    def of(cls, latin: str, chinese: str) -> Vocabulary:
        """From two lists: Latin terms separated by commas, Chinese terms by spaces."""
        return cls(frozenset(term.strip() for term in latin.split(",")), frozenset(chinese.split()))

    def find(self, *texts: str) -> str | None:
        """The first term, in a stable order, that occurs in any of the texts."""
        for text in texts:
            spoken = f" {' '.join(words(text))} "
            hits = [term for term in self.latin if f" {term} " in spoken]
            hits += [term for term in self.chinese if term in text]
            if hits:
                return min(hits)
        return None


SCORES: Final = Vocabulary.of(
    "score, scores, scoring, rank, ranks, ranking, point, points, rating, ratings, level, levels, grade, "
    "grades, star, stars, jifen, pingfen, paiming, dengji, xingji",
    "积分 评分 得分 计分 记分 分值 分数 信用分 诚信分 排名 排行 名次 等级 星级 级别",
)
"""GR-01: no score, rank, level or points about a natural person."""

STATUTORY_FACTS: Final = frozenset(
    {
        "P-SF-01.annualReview",
        "P-RS-01.level",
        "P-WJ-01.points",
        "P-WJ-01.cycle",
        "P-JT-01.reviewYear",
        "P-JT-01.reviewGrade",
        "P-WL-01.level",
        "P-MZ-02.starLevel",
        "P-WM-01.level",
        "P-FG-03.severity",
        "E-RS-01.grade",  # the employer's grade; the type is also keyed by listed persons
    }
)
"""Grades and counts that a law itself creates; a deployment cannot add to them."""

SENSITIVE: Final = Vocabulary.of(
    "religion, religious, faith, gene, genes, genetic, dna, fingerprint, fingerprints, iris, biometric, "
    "biometrics, blood, disease, illness, diagnosis, medical history, health condition, pregnancy, "
    "family planning, ethnicity, ethnic, race, political, petition, petitions, whereabouts, trajectory, "
    "online behaviour, sexual, zongjiao, jiyin, zhiwen, xuexing, bingshi, jibing, minzu, xinfang, "
    "xingzong, jihuashengyu",
    "宗教 信仰 基因 指纹 虹膜 人脸 声纹 血型 病史 疾病 病历 诊断 健康状况 计划生育 生育 怀孕 民族 种族 "
    "政治面貌 党派 信访 上访 行踪 轨迹 网上行为 网络言论 性取向",
)
"""GR-08: data no record type may hold."""

WEALTH: Final = Vocabulary.of(
    "income, salary, deposit, deposits, savings, securities, real estate holdings, tax paid, tax amount, "
    "shouru, cunkuan, gongzi",
    "收入 工资额 存款 储蓄 有价证券 商业保险 不动产 房产 纳税数额 纳税额",
)
"""GR-08: prohibited about natural persons (征信业管理条例 14, 浙江省条例 14)."""

RELATIVES: Final = Vocabulary.of(
    "parent, parents, father, mother, child, children, son, daughter, spouse, husband, wife, sibling, "
    "siblings, brother, sister, relative, relatives, kin, family, fumu, zinv, peiou, qinshu",
    "父亲 母亲 父母 子女 儿子 女儿 配偶 丈夫 妻子 兄弟 姐妹 亲属 家属 家庭成员",
)
"""GR-08: no guilt by association, so no edge from a person to a relative."""

CHILD_CONTACT: Final = frozenset(
    {"ChildContactPostCheck", "ChildContactPostCheckSection", "childContactPostChecks"}
)
"""A statute's check of posts near children (未成年人保护法62): of whoever applies, and of nobody's child."""

VERDICTS: Final = Vocabulary.of("decision, decisions, decide, approve, reject, recommend, recommendation", "")
"""GR-09: the gateway states facts; it never decides. Labels may speak of a source's decision (ruling 28)."""

PROHIBITED_PURPOSES: Final = Vocabulary.of(
    "dating, matchmaking, shopping, insurance pricing, wealth management, tourism abroad, ticket, tickets, "
    "school admission of children, relatives, rent, rental, deposit, residential compound, property "
    "management, parking, blood donation, waste sorting, petition, petitions, jaywalking, voting, village "
    "rating, emergency care, compulsory education, subsistence allowance, loan pricing, interest rate, "
    "staff appraisal, credit score, leaderboard, media search, bulk download, full list",
    "婚恋 交友 网购 网上购物 消费定价 保险定价 理财准入 出国旅游 购票 子女入学 亲属连带 租房 租车 押金 小区 "
    "物业 停车 献血 垃圾分类 信访 闯红灯 投票评议 村民评级 医疗急救 义务教育 低保 贷款利率 房价 自动定价 "
    "日常考核 信用分 诚信分 排行榜 媒体检索 全量名单 名单下载",
)
"""GR-07: scenarios the registry must reject (domain.md §3.4), whatever kind they claim to be."""

_WORDS_OF: Final = {
    "ethnicity": "汉 汉族 蒙古族 回族 藏族 维吾尔族 苗族 彝族 壮族 布依族 朝鲜族 满族 侗族 瑶族 白族 "
    "土家族 哈尼族 哈萨克族 傣族 黎族 傈僳族 佤族 畲族 高山族 拉祜族 水族 东乡族 纳西族 "
    "景颇族 柯尔克孜族 土族 达斡尔族 仫佬族 羌族 布朗族 撒拉族 毛南族 仡佬族 锡伯族 阿昌族 "
    "普米族 塔吉克族 怒族 乌孜别克族 俄罗斯族 鄂温克族 德昂族 保安族 裕固族 京族 塔塔尔族 "
    "独龙族 鄂伦春族 赫哲族 门巴族 珞巴族 基诺族",
    "religion": "佛教 道教 伊斯兰教 天主教 基督教 东正教 无宗教信仰 信教 不信教",
    "blood type": "A型 B型 O型 AB型 A型血 B型血 O型血 AB型血",
    "political affiliation": "中共党员 中共预备党员 共青团员 群众 民主党派 无党派人士 无党派民主人士",
    "marital status": "未婚 已婚 初婚 再婚 复婚 丧偶 离婚 离异",
    "kinship": "户主 配偶 长子 次子 三子 长女 次女 三女 独生子 独生女 父亲 母亲 公婆 儿媳 女婿 孙子 孙女",
}
PROHIBITED_VALUES: Final = {kind: frozenset(text.split()) for kind, text in _WORDS_OF.items()}
"""GR-08: what a column holds tells what it is, whatever it is called."""
_NEARLY_ALL: Final = 0.9
_ENOUGH: Final = 3


def told_by(values: Collection[str]) -> str | None:
    """What prohibited thing nearly all of these values tell; None where they tell none, or are too few."""
    if len(values) < _ENOUGH:
        return None
    for kind, words_of_kind in PROHIBITED_VALUES.items():
        if sum(value.strip() in words_of_kind for value in values) >= _NEARLY_ALL * len(values):
            return kind
    return None
