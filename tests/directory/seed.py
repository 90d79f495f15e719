# Fills a directory that was just provisioned and is not running: python3 seed.py STDIN=ldif sam.ldb
# One transaction, because each change by itself would cost a tenth of a second.
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.sd_utils import SDUtils

lp = LoadParm()
lp.load(sys.argv[2])
db = SamDB(url=sys.argv[1], session_info=system_session(lp), lp=lp)
db.transaction_start()
try:
    text = sys.stdin.read()
    for part in text.split("\n#----\n"):
        if part.startswith("#modify\n"):
            db.modify_ldif(part[len("#modify\n"):])
        elif part.startswith("#grant\n"):
            for line in part.splitlines()[1:]:
                account, dn, ace = line.split("\t")
                found = db.search(
                    base=db.domain_dn(), expression="(sAMAccountName=%s)" % account, attrs=["objectSid"]
                )
                sid = str(db.schema_format_value("objectSid", found[0]["objectSid"][0]), "ascii")
                SDUtils(db).dacl_add_ace(dn, ace.replace("SID", sid))
        else:
            db.add_ldif(part)
except BaseException:
    db.transaction_cancel()
    raise
db.transaction_commit()
