{{- define "yimen.environment" -}}
- {name: YIMEN_ISSUER, value: {{ .Values.issuer | quote }}}
- {name: YIMEN_GATEWAY_DOMAIN, value: {{ .Values.gatewayDomain | quote }}}
- {name: YIMEN_TRUSTED_PROXIES, value: {{ .Values.trustedProxies | quote }}}
- {name: YIMEN_SUITE, value: {{ .Values.suite | quote }}}
- {name: YIMEN_CUSTODIAN, value: credential}
- {name: YIMEN_CREDENTIAL_DIR, value: /run/yimen/root-key}
- name: YIMEN_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ .Values.databaseSecret }}, key: url}}
{{- end -}}

{{- define "yimen.pod" -}}
securityContext: {runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
automountServiceAccountToken: false
volumes:
  - name: root-key
    secret: {secretName: {{ .Values.rootKeySecret }}, defaultMode: 0440}
  - name: data
    emptyDir: {}
{{- end -}}

{{- define "yimen.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
volumeMounts:
  - {name: root-key, mountPath: /run/yimen/root-key, readOnly: true}
  - {name: data, mountPath: /var/lib/yimen}
{{- end -}}
