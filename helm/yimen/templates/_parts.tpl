{{- /* What selects the pods of a part: include "yimen.selector" (list $ "gateway") */}}
{{- define "yimen.selector" -}}
app.kubernetes.io/name: yimen
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "yimen.labels" -}}
{{ include "yimen.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ (index . 0).Chart.Name }}-{{ (index . 0).Chart.Version }}
{{- end }}

{{- define "yimen.firstSignInSecret" -}}
{{ .Values.firstSignInSecret | default (printf "%s-first-sign-in" .Release.Name) }}
{{- end }}

{{- define "yimen.issuer" -}}
{{ required "issuer is required: the address that people use, https://sso.example.gov.cn" .Values.issuer }}
{{- end }}

{{- define "yimen.gatewayDomain" -}}
{{ required "gatewayDomain is required: legacy systems open at <slug>.<gatewayDomain>" .Values.gatewayDomain }}
{{- end }}

{{- define "yimen.trustedProxies" -}}
{{- if kindIs "invalid" .Values.trustedProxies }}
{{- fail "trustedProxies is required: the networks of the ingress's pods, or [] where nothing stands in front" }}
{{- end }}
{{- include "yimen.networks" .Values.trustedProxies }}
{{- end }}

{{- /* A list, or a text with commas, as --set gives it. */}}
{{- define "yimen.networks" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ join "," . }}{{ end }}
{{- end }}

{{- define "yimen.proxyProtocol" -}}
{{- if and .Values.proxyProtocol (not (include "yimen.trustedProxies" .)) }}
{{- fail "proxyProtocol needs trustedProxies: only from them is the header taken" }}
{{- end }}
{{- .Values.proxyProtocol }}
{{- end }}

{{- /* The Secret with the certificate of a part, or nothing: include "yimen.tlsSecret" (list $ "gateway") */}}
{{- define "yimen.tlsSecret" -}}
{{- $tls := (index . 0).Values.tls }}
{{- if ne (empty $tls.identitySecret) (empty $tls.gatewaySecret) }}
{{- fail "tls.identitySecret and tls.gatewaySecret belong together: people reach both by the same scheme" }}
{{- end }}
{{- get $tls (printf "%sSecret" (index . 1)) }}
{{- end }}

{{- /* The name of the port of identity and gateway, which tells what is spoken there. */}}
{{- define "yimen.scheme" -}}
{{ ternary "https" "http" (ne (include "yimen.tlsSecret" (list . "identity")) "") }}
{{- end }}

{{- define "yimen.environment" -}}
- {name: YIMEN_ISSUER, value: {{ include "yimen.issuer" . | quote }}}
- {name: YIMEN_GATEWAY_DOMAIN, value: {{ include "yimen.gatewayDomain" . | quote }}}
- {name: YIMEN_TRUSTED_PROXIES, value: {{ include "yimen.trustedProxies" . | quote }}}
- {name: YIMEN_FORWARDED_FIELD, value: {{ .Values.forwardedField }}}
- {name: YIMEN_PROXY_PROTOCOL, value: {{ include "yimen.proxyProtocol" . | quote }}}
- {name: YIMEN_UPSTREAM_ALLOW, value: {{ include "yimen.networks" .Values.upstreamAllow | quote }}}
- {name: YIMEN_OUTBOUND_ALLOW, value: {{ include "yimen.networks" .Values.outboundAllow | quote }}}
- {name: YIMEN_SUITE, value: {{ .Values.suite | quote }}}
- {name: YIMEN_TIME_ZONE, value: {{ .Values.timeZone | quote }}}
- {name: YIMEN_LOG_LEVEL, value: {{ .Values.logLevel | quote }}}
- {name: YIMEN_CUSTODIAN, value: credential}
- {name: YIMEN_CREDENTIAL_DIR, value: /run/yimen/root-key}
- {name: YIMEN_DATA_DIR, value: /var/lib/yimen}
- name: YIMEN_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ .Values.databaseSecret.name }}, key: {{ .Values.databaseSecret.key }}}}
{{- end }}

{{- /* A pod without its containers and volumes. */}}
{{- define "yimen.pod" -}}
serviceAccountName: {{ .Values.serviceAccountName }}
automountServiceAccountToken: false
# The variables that Kubernetes makes of Services would begin with YIMEN_, and be refused as settings that are none.
enableServiceLinks: false
securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "yimen.volumes" -}}
- name: root-key
  secret: {secretName: {{ .Values.rootKeySecret }}, defaultMode: 0440}
# Nothing that lasts is kept in a pod.
- {name: data, emptyDir: {sizeLimit: 1Gi}}
- {name: tmp, emptyDir: {sizeLimit: 1Gi}}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* A container without its name, arguments and environment. */}}
{{- define "yimen.container" -}}
{{- $image := .Values.image -}}
image: {{ if $image.digest }}{{ printf "%s@%s" $image.repository $image.digest | quote }}{{ else }}{{ printf "%s:%s" $image.repository ($image.tag | default .Chart.AppVersion) | quote }}{{ end }}
imagePullPolicy: {{ $image.pullPolicy }}
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
volumeMounts:
  - {name: root-key, mountPath: /run/yimen/root-key, readOnly: true}
  - {name: data, mountPath: /var/lib/yimen}
  - {name: tmp, mountPath: /tmp}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
