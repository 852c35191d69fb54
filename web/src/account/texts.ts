// The texts of accounts.
import { catalogue } from "@/shell/language";

export const t = catalogue(
  {
    signIn: "Sign in",
    register: "Create an account",
    email: "E-mail",
    password: "Password",
    noAccount: "No account yet?",
    haveAccount: "An account already?",
    code: "Code of your authenticator app",
    verify: "Verify",
  },
  {
    signIn: "Anmelden",
    register: "Konto anlegen",
    email: "E-Mail",
    password: "Passwort",
    noAccount: "Noch kein Konto?",
    haveAccount: "Schon ein Konto?",
    code: "Code der Authenticator-App",
    verify: "Prüfen",
  },
);
