/* Advices: a sale that the card approved offline is told to the host later (0220), and again (0221) until it is answered.
 *
 * The record is in the batch and has its receipt from the start; the advice waits in a queue beside it (AdviceDue).
 * 0230 approved: it leaves the queue (Advised). 0230 refused: it leaves queue and batch for the failed list (Refused:
 * the merchant bears it). 0230 that decides nothing (68, 91, 92, 96, 98, A0): it stays.
 * Over two hops the acquirer keeps it pending without a timer; the repeat brings it again. The issuer may be unable to
 * decide UND times.
 */
#ifndef D_JRN1ST
#define D_JRN1ST T_JRN1ST /* D1 the offline approval is durable before the receipt */
#endif
#ifndef D_ATOMIC
#define D_ATOMIC 1     /* D2 batch line and AdviceDue are one durable write */
#endif
#ifndef D_BOOT
#define D_BOOT 1       /* D3 the queue survives a power cut; 0: lost at boot */
#endif
#ifndef D_CLEARLATE
#define D_CLEARLATE 1  /* D4 the advice leaves the queue after the answer; 0: at the send */
#endif
#ifndef D_REPEAT
#define D_REPEAT 1     /* D5 repeated until answered; 0: one shot, 2: reversed like a sale */
#endif
#ifndef D_SAMEKEY
#define D_SAMEKEY 1    /* D6 the repeat has the advice's own STAN; 0: a new one */
#endif
#ifndef D_MATCH
#define D_MATCH 1      /* D7 only the 0230 with this advice's key answers it */
#endif
#ifndef D_REFOUT
#define D_REFOUT 1     /* D8 a refused advice leaves the queue; 0: it is sent for ever */
#endif
#ifndef D_REFBATCH
#define D_REFBATCH 1   /* D8 a refused advice leaves the batch */
#endif
#ifndef D_UNDEC
#define D_UNDEC 1      /* D9 who cannot decide stores nothing; 0: stores that, and gives it to every repeat */
#endif
#ifndef D_TUNDEC
#define D_TUNDEC 1     /* D9 the terminal takes an undecided answer as no answer; 0: as a refusal */
#endif
#ifndef D_AUNDEC
#define D_AUNDEC 1     /* D9 the acquirer drops an undecided answer, or passes it on, and stores nothing; 0: stores a refusal */
#endif
#ifndef D_GATE
#define D_GATE 1       /* D10 the batch closes only when no advice is due */
#endif
#ifndef D_DEDUP
#define D_DEDUP 1      /* D11 a duplicate advice gets the stored answer and debits nobody */
#endif
#ifndef D_DUP94
#define D_DUP94 0      /* D11 a foreign host answers a duplicate 94: 1 the terminal takes it as a refusal, 2 it parks the record */
#endif
#ifndef D_ADUR
#define D_ADUR 1       /* D12 the acquirer's log is durable before its 0230 leaves */
#endif
#ifndef D_EARLY
#define D_EARLY 0      /* D13 1: the acquirer approves what it has only forwarded */
#endif
#ifndef D_TIMER
#define D_TIMER 0      /* D14 1: a pending advice has a timer like a sale's */
#endif
#ifndef D_ABOOT
#define D_ABOOT 0      /* D14 1: a pending advice is declined at the acquirer's boot like a sale */
#endif
#ifndef UND
#define UND 1
#endif

#if ADVICE
byte adq[N], ada[N], adn[N], adu[N];   /* 0220 or 0221; 0230 approved, refused, undecided */
bool d_adv[N], d_ref[N];               /* AdviceDue; Refused */
byte avi = 0, und = UND;
#if D_DUP94
byte ad94[N]; bool d_park[N];          /* 0230 with 94; parked with a difference item */
#define A94(i) ad94[i]
#define PARKED(i) d_park[i]
#else
#define A94(i) 0
#define PARKED(i) 0
#endif
#if D_SAMEKEY == 0
bool sent[N]; byte advn[N];            /* sent before; a repeat with another STAN */
#define AVN(i) advn[i]
#else
#define AVN(i) 0
#endif
#if TWOHOP
byte iadq[N], iada[N], iadn[N], iadu[N];
#define IADFLY(i) (iadq[i]+iada[i]+iadn[i]+iadu[i] > 0)
#define DECIDED(i) ilog[i]
#define ADFLUSHED(i) (vlog[i] == hlog[i])
#else
#define IADFLY(i) 0
#define DECIDED(i) hlog[i]
#define ADFLUSHED(i) 1
#endif
#define ADFLY(i) (adq[i]+ada[i]+adn[i]+adu[i]+A94(i)+AVN(i) > 0 || IADFLY(i))
#define ADB(i)   (ADFLY(i) || (OFF(i) && !ADFLUSHED(i)))
#define REFUSED(i) d_ref[i]
#define INADV(x) d_adv[x]
#define ADGATE   (!ANY(INADV) || !D_GATE)
#define ADCLOSE(i) d_adv[i] = 0
#define HASTIMER(x) (!OFF(x) || D_TIMER)
#define HASBOOT(x)  (!OFF(x) || D_ABOOT)
#define ADECLINE(x) if :: OFF(x) -> PUT(adn,x) :: else -> PUT(rspd,x) fi
#if N == 1
#define HEAD(x) 1
#else
#define HEAD(x) ((x) == 0 || !d_adv[0])
#endif

inline advice_checks(c) {
  assert(!d_adv[c]);                            /* I3 no advice is left undecided */
  assert(!OFF(c) || (vlog[c] != PEND && hlog[c] != PEND)); /* I3 no advice is left pending at the acquirer */
  assert(!d_ref[c] || DECIDED(c) == DECL);      /* I4 the merchant bears only what the issuer refused */
}
inline adv_remove(i) {
#ifndef NOI6
  assert(hlog[i] == APPR || hlog[i] == DECL);   /* I6 an advice leaves the queue only when it is durably decided */
#endif
  d_adv[i] = 0
}
inline advice_boot(i) {
  if :: !D_BOOT -> d_adv[i] = 0 :: else -> skip fi
}
#if N == 1
#define REPORT printf("    AT REST: debited=%d in the batch=%d receipt=%d refused=%d\n", debit[0],d_appr[0],goods[0],d_ref[0])
#else
#define REPORT printf("    AT REST: debited=%d,%d in the batch=%d,%d receipt=%d,%d refused=%d,%d\n", \
    debit[0],debit[N-1],d_appr[0],d_appr[N-1],goods[0],goods[N-1],d_ref[0],d_ref[N-1])
#endif

/* ---------- the terminal ---------- */
#define ADVICE_START atomic { ph == IDLE && nxt < N && OFF(nxt) -> \
    cur = nxt; nxt++; printf("[%d] the card approves offline (STAN %d)\n", cur, vstan); \
    stan[cur] = vstan; vstan = (vstan + 1) % STANMOD; dstan = vstan; \
    if :: D_JRN1ST && D_ATOMIC  -> printf("[%d] T journals batch line and AdviceDue\n", cur); d_appr[cur] = 1; d_adv[cur] = 1; ph = JRND \
       :: D_JRN1ST && !D_ATOMIC -> printf("[%d] T journals the batch line (AdviceDue is not yet written)\n", cur); d_appr[cur] = 1; ph = OFFQUE \
       :: !D_JRN1ST -> printf("[%d] T prints the receipt before it journals\n", cur); goods[cur] = 1; ph = OFFJRN fi }
#define O_OFFJRN(x) :: atomic { ph == OFFJRN && cur == x -> \
    printf("[%d] T journals batch line and AdviceDue\n", x); d_appr[x] = 1; d_adv[x] = 1; ph = IDLE }
#define O_OFFQUE(x) :: atomic { ph == OFFQUE && cur == x -> \
    printf("[%d] T journals AdviceDue (second write)\n", x); d_adv[x] = 1; ph = JRND }
#if D_SAMEKEY == 0
#define SENDADV(x) if :: sent[x] -> PUT(advn,x) :: else -> PUT(adq,x); sent[x] = 1 fi
#else
#define SENDADV(x) PUT(adq,x)
#endif
#define O_ADGO(x) :: atomic { ph == IDLE && d_adv[x] && HEAD(x) && !(ANYSAF) -> \
    printf("[%d] T -> 0220 from the queue\n", x); avi = x; SENDADV(x); ph = ADVWAIT; \
    if :: !D_CLEARLATE -> d_adv[x] = 0; ph = IDLE :: else -> skip fi }
#define O_ADOK(x) :: atomic { ph == ADVWAIT && ada[x] > 0 && (x == avi || !D_MATCH) -> \
    printf("[%d] T <- 0230 approved, the advice leaves the queue\n", x); GET(ada,x); adv_remove(avi); ph = IDLE }
#define O_ADNO(x) :: atomic { ph == ADVWAIT && adn[x] > 0 && (x == avi || !D_MATCH) -> \
    GET(adn,x); ph = IDLE; \
    if :: D_REFOUT -> printf("[%d] T <- 0230 refused, the advice goes to the failed list\n", x); adv_remove(avi); d_ref[avi] = 1; \
          if :: D_REFBATCH -> d_appr[avi] = 0 :: else -> skip fi \
       :: else -> printf("[%d] T <- 0230 refused, the advice stays in the queue\n", x) fi }
#define O_ADUN(x) :: atomic { ph == ADVWAIT && adu[x] > 0 && (x == avi || !D_MATCH) -> \
    GET(adu,x); ph = IDLE; \
    if :: D_TUNDEC -> printf("[%d] T <- 0230 undecided, the advice stays\n", x) \
       :: else -> printf("[%d] T <- 0230 undecided, TAKEN AS A REFUSAL\n", x); d_adv[avi] = 0; d_ref[avi] = 1; d_appr[avi] = 0 fi }
#define O_AD94(x) :: atomic { ad94[x] > 0 -> \
    GET(ad94,x); \
    if :: ph == ADVWAIT && x == avi -> ph = IDLE; d_adv[x] = 0; \
          if :: D_DUP94 == 1 -> printf("[%d] T <- 0230/94, TAKEN AS A REFUSAL\n", x); d_ref[x] = 1; d_appr[x] = 0 \
             :: else -> printf("[%d] T <- 0230/94, parked with a difference item\n", x); d_park[x] = 1 fi \
       :: else -> printf("[%d] T drops stale 0230/94\n", x) fi }
#define O_ADTMO(x) :: atomic { ph == ADVWAIT && avi == x && (!ADFLY(x) || spur > 0) -> \
    printf("[%d] T 0230 time-out\n", x); if :: ADFLY(x) -> spur-- :: else -> skip fi; ph = IDLE; \
    if :: D_REPEAT == 0 -> d_adv[x] = 0 \
       :: D_REPEAT == 2 -> d_adv[x] = 0; d_appr[x] = 0; d_saf[x] = 1 \
       :: else -> skip fi }
#define ADSTALE(x) (ph == IDLE || ph == WAIT || ph == REVWAIT || ph == CLOSED || (ph == ADVWAIT && x != avi && D_MATCH))
#define O_ADDROP(x) \
  :: atomic { ada[x] > 0 && ADSTALE(x) -> printf("[%d] T drops stale 0230 approved\n", x); GET(ada,x) } \
  :: atomic { adn[x] > 0 && ADSTALE(x) -> printf("[%d] T drops stale 0230 refused\n", x); GET(adn,x) } \
  :: atomic { adu[x] > 0 && ADSTALE(x) -> printf("[%d] T drops stale 0230 undecided\n", x); GET(adu,x) }
/* ---------- the host of one hop ---------- */
#define HPOST(x) printf("     ..posts it\n"); hset(x,APPR); vdebit[x]++; if :: H_DURACK -> debit[x]++ :: else -> skip fi; PUT(ada,x)
#define HADV(x) printf("[%d] H processes the 0220\n", x); GET(adq,x); \
    if :: vlog[x] == NONE || (vlog[x] == APPR && !D_DEDUP) -> \
          if :: HPOST(x) \
             :: vlog[x] == NONE -> printf("     ..refuses it\n"); hset(x,DECL); PUT(adn,x) \
             :: und > 0 -> printf("     ..cannot decide (91)\n"); und--; PUT(adu,x); if :: !D_UNDEC -> hset(x,UNDEC) :: else -> skip fi fi \
       :: vlog[x] == APPR && D_DEDUP && !D_DUP94 -> PUT(ada,x) \
       :: vlog[x] == UNDEC -> printf("     ..repeats that it cannot decide\n"); PUT(adu,x) \
       :: vlog[x] == APPR && D_DEDUP && D_DUP94 -> STORED94(x) \
       :: vlog[x] == DECL || vlog[x] == REVD || vlog[x] == TOMB -> PUT(adn,x) fi; safety()
#if D_DUP94
#define STORED94(x) PUT(ad94,x)
#else
#define STORED94(x) skip
#endif
#if D_SAMEKEY == 0
#define O_HADV(x) :: atomic { adq[x] > 0 -> HADV(x) } \
  :: atomic { advn[x] > 0 -> printf("[%d] H processes the 0221, whose STAN it does not know\n", x); GET(advn,x); HPOST(x); safety() }
#else
#define O_HADV(x) :: atomic { adq[x] > 0 -> HADV(x) }
#endif
/* ---------- acquirer and issuer ---------- */
#define ALOGADV(x,s) vlog[x] = s; if :: D_ADUR -> hlog[x] = s :: else -> skip fi
#define O_AADV(x) :: atomic { adq[x] > 0 -> \
    printf("[%d] A <- 0220, forwards it unless decided\n", x); GET(adq,x); \
    if :: vlog[x] == NONE && D_EARLY -> printf("     ..approves it\n"); vlog[x] = APPR; hlog[x] = APPR; PUT(iadq,x); PUT(ada,x) \
       :: vlog[x] == NONE && !D_EARLY -> vlog[x] = PEND; if :: A_WAL -> hlog[x] = PEND :: else -> skip fi; PUT(iadq,x) \
       :: vlog[x] == PEND -> PUT(iadq,x) \
       :: vlog[x] == APPR -> PUT(ada,x) \
       :: else -> PUT(adn,x) fi }
#define O_AIADA(x) :: atomic { iada[x] > 0 -> \
    printf("[%d] A <- issuer posted the advice\n", x); GET(iada,x); \
    if :: vlog[x] == PEND -> ALOGADV(x,APPR); PUT(ada,x) :: else -> skip fi }
#define O_AIADD(x) :: atomic { iadn[x] > 0 -> \
    printf("[%d] A <- issuer refused the advice\n", x); GET(iadn,x); \
    if :: vlog[x] == PEND -> ALOGADV(x,DECL); PUT(adn,x) :: else -> skip fi }
#define O_AIADU(x) :: atomic { iadu[x] > 0 -> \
    GET(iadu,x); \
    if :: D_AUNDEC -> printf("[%d] A <- issuer could not decide: drops it\n", x) \
       :: D_AUNDEC && vlog[x] == PEND -> printf("[%d] A <- issuer could not decide: passes it on\n", x); PUT(adu,x) \
       :: !D_AUNDEC && vlog[x] == PEND -> printf("[%d] A <- issuer could not decide: STORES A REFUSAL\n", x); ALOGADV(x,DECL); PUT(adn,x) \
       :: !D_AUNDEC && vlog[x] != PEND -> skip fi }
#define O_AADFLUSH(x) :: atomic { OFF(x) && vlog[x] != hlog[x] -> printf("[%d] A flushes its log to disk\n", x); hlog[x] = vlog[x] }
#define O_IADV(x) :: atomic { iadq[x] > 0 -> \
    printf("[%d] I processes the advice\n", x); GET(iadq,x); \
    if :: ilog[x] == NONE || (ilog[x] == APPR && !D_DEDUP) -> \
          if :: printf("     ..debits\n"); ilog[x] = APPR; debit[x]++; PUT(iada,x) \
             :: ilog[x] == NONE -> printf("     ..refuses\n"); ilog[x] = DECL; PUT(iadn,x) \
             :: und > 0 -> printf("     ..cannot decide (91)\n"); und--; PUT(iadu,x); if :: !D_UNDEC -> ilog[x] = UNDEC :: else -> skip fi fi \
       :: ilog[x] == APPR && D_DEDUP -> PUT(iada,x) \
       :: ilog[x] == UNDEC -> printf("     ..repeats that it cannot decide\n"); PUT(iadu,x) \
       :: ilog[x] == DECL || ilog[x] == REVD || ilog[x] == TOMB -> PUT(iadn,x) fi; safety() }
/* ---------- the network's faults ---------- */
#define O_NETA(x)  L1(adq,x) L1(ada,x) L1(adn,x) L1(adu,x) D1(adq,x) D1(ada,x)
#define O_NETIA(x) L1(iadq,x) L1(iada,x) L1(iadn,x) L1(iadu,x) D1(iadq,x) D1(iada,x)
#define WORD_adq  "the 0220"
#define WORD_ada  "the 0230 approved"
#define WORD_adn  "the 0230 refused"
#define WORD_adu  "the 0230 undecided"
#define WORD_iadq "the advice to the issuer"
#define WORD_iada "the issuer's 0230 approved"
#define WORD_iadn "the issuer's 0230 refused"
#define WORD_iadu "the issuer's 0230 undecided"
#else
#define IADFLY(i) 0
#define ADB(i) 0
#define PARKED(i) 0
#define REFUSED(i) 0
#define ADGATE 1
#define ADCLOSE(i) skip
#define HASTIMER(x) 1
#define HASBOOT(x) 1
#define ADECLINE(x) PUT(rspd,x)
#if N == 1
#define REPORT printf("    AT REST: debited=%d in the batch=%d receipt=%d\n", debit[0],d_appr[0],goods[0])
#else
#define REPORT printf("    AT REST: debited=%d,%d in the batch=%d,%d receipt=%d,%d\n", \
    debit[0],debit[N-1],d_appr[0],d_appr[N-1],goods[0],goods[N-1])
#endif
inline advice_checks(c) { skip }
inline advice_boot(i) { skip }
#endif
