// Whether this browser shows what alerts tell; it is asked for its permission by a click, never else.

import { useSignal } from "@preact/signals";
import { wantsNotifications } from "@/feed/alerts";
import { Panel } from "@/parts/DataTable";
import { t } from "./texts";

export function Notifications() {
  const isThere = typeof Notification !== "undefined";
  const permission = useSignal<NotificationPermission>(isThere ? Notification.permission : "denied");
  const turnOn = async () => {
    permission.value = await Notification.requestPermission();
    wantsNotifications.value = permission.value === "granted";
  };
  const isOn = wantsNotifications.value && permission.value === "granted";
  const said = !isThere ? t("notifyNot") : permission.value === "denied" ? t("notifyDenied") : isOn ? t("notifyIsOn") : t("notifyWhy");
  return (
    <Panel title={t("notify")}>
      <div class="stack">
        <p class="quiet" role="status">{said}</p>
        {isThere && permission.value !== "denied" && (
          <div>{isOn ? <button class="button" onClick={() => (wantsNotifications.value = false)}>{t("notifyOff")}</button> : <button class="button" onClick={() => void turnOn()}>{t("notifyOn")}</button>}</div>
        )}
      </div>
    </Panel>
  );
}
