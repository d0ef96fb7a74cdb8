# Completion of aws-vault for bash. Load it with: eval "$(aws-vault completion bash)"

_aws_vault() {
    local current="${COMP_WORDS[COMP_CWORD]}" index

    # Behind "--" stands another command: complete that one.
    for ((index = 1; index < COMP_CWORD; index++)); do
        if [[ ${COMP_WORDS[index]} == "--" ]]; then
            if declare -F _command_offset >/dev/null; then
                _command_offset $((index + 1))
            elif ((index + 1 == COMP_CWORD)); then
                mapfile -t COMPREPLY < <(compgen -c -- "$current")
            else
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi
            return
        fi
    done

    local words=("${COMP_WORDS[@]:1:COMP_CWORD}") candidate
    # bash gives "--" to its completer as the beginning of a flag.
    [[ $current == "--" ]] && words[COMP_CWORD - 1]="-"
    COMPREPLY=()
    while IFS= read -r candidate || [[ -n $candidate ]]; do
        [[ $candidate == "$current"* ]] && COMPREPLY+=("$(printf '%q' "$candidate")")
    done < <("${COMP_WORDS[0]}" --completion-bash "${words[@]}" 2>/dev/null)
}

complete -F _aws_vault aws-vault
