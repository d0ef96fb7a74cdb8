# Completion of aws-vault for PowerShell.
# Load it with: aws-vault completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName aws-vault -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    $current = if ($wordToComplete -eq '--') { '-' } else { $wordToComplete }
    # Older PowerShells drop an empty argument; the agent's client copes with either.
    $program = $commandAst.CommandElements[0].ToString()
    & $program --completion-bash @words $current 2>$null |
        Where-Object { $_ -like "$wordToComplete*" } |
        ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
