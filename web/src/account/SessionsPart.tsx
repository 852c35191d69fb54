// Where one is signed in, and ending it there.

import { rest } from "@/api/rest";
import type { SessionView } from "@/api/schema";
import { ListTable, Panel } from "@/parts/DataTable";
import { isSure } from "@/parts/Dialog";
import { useListed } from "@/parts/loading";
import { notify, notifyError } from "@/shell/notices";
import { moment } from "@/units/time";
import { t } from "./accountTexts";

/** What a browser calls itself, in few words: "Firefox, Linux". */
export function deviceName(agent: string | null): string {
  if (agent === null) return "?";
  const browser = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]].find(([mark]) => agent.includes(mark ?? ""));
  const system = ["iPhone", "iPad", "Android", "Windows", "Mac OS", "Linux"].find((mark) => agent.includes(mark));
  if (browser === undefined) return agent.slice(0, 60);
  return system === undefined ? (browser[1] ?? "") : `${browser[1]}, ${system}`;
}

export function SessionsPart() {
  const list = useListed((cursor, signal) => rest.call("get", "/users/me/sessions", { query: { cursor, limit: 50 }, signal }), []);
  const end = async (session: SessionView) => {
    try {
      await rest.call("delete", "/users/me/sessions/{id}", { path: { id: session.id } });
      list.reload();
    } catch (error) {
      notifyError(error);
    }
  };
  const endOthers = async () => {
    if (!(await isSure({ title: t("endOthers"), text: t("endOthersWhy"), action: t("endOthers"), isDangerous: true }))) return;
    try {
      const answer = await rest.call("delete", "/users/me/sessions");
      notify("good", t("ended", { count: answer.data.ended }));
      list.reload();
    } catch (error) {
      notifyError(error);
    }
  };
  return (
    <Panel title={t("sessions")} isPlain actions={<button class="button small danger" onClick={() => void endOthers()}>{t("endOthers")}</button>}>
      <ListTable
        caption={t("sessions")}
        list={list}
        keyOf={(session) => session.id}
        columns={[
          { title: t("device"), cell: (session) => <>{deviceName(session.device)} {session.current && <span class="badge">{t("thisOne")}</span>}</> },
          { title: t("networkAddress"), cell: (session) => session.address ?? "–" },
          { title: t("signedInAt"), cell: (session) => moment(session.createdAt) },
          { title: t("lastSeen"), cell: (session) => moment(session.lastSeenAt) },
          { title: "", cell: (session) => !session.current && <button class="button small" onClick={() => void end(session)}>{t("end")}</button> },
        ]}
      />
    </Panel>
  );
}
